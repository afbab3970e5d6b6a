/** `ringback schema`: the JSON Schema of one line of `--json`, out of the same types that the events are made by. */
import { z } from 'zod';
import { envelope, eventBody } from '../events.ts';
import type { Invocation } from './invocation.ts';

/** The schema (draft 2020-12) as an object. */
export function eventSchema(): unknown {
  // Each type with the envelope's fields in it: an `allOf` would be right too, and no generator reads it well.
  const lines = eventBody.options.map((option) => z.object({ ...envelope.shape, ...option.shape }));
  const [first, ...others] = lines;
  if (first === undefined) throw new Error('there are no events');
  return {
    title: 'ringback event',
    ...z.toJSONSchema(z.union([first, ...others]), { io: 'output' }),
  };
}

/** Prints it. */
export async function run({ print }: Invocation): Promise<number> {
  print(JSON.stringify(eventSchema(), null, 2));
  return 0;
}
