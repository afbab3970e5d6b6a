/** One line of the frame as Ink's text. */
import { Text } from 'ink';
import { memo } from 'react';
import type { Line } from './cells.ts';
import type { Theme } from './theme.ts';

/** Never wraps: the frame has cut it already. An empty line is a space, or Ink would leave it out. */
export const TextLine = memo(function TextLine({
  line,
  theme,
}: {
  readonly line: Line;
  readonly theme: Theme;
}) {
  if (line.every(({ text }) => text === '')) return <Text> </Text>;
  // A segment is known by its place and by nothing else.
  const placed = line.map((segment, place) => ({ segment, place }));
  return (
    <Text wrap="truncate">
      {placed.map(({ segment: { text, style }, place }) => (
        <Text key={place} {...(style === undefined ? {} : theme[style])}>
          {text}
        </Text>
      ))}
    </Text>
  );
});
