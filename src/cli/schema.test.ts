import { expect, test } from 'bun:test';
import { z } from 'zod';
import { eventBody } from '../events.ts';
import { eventSchema } from './schema.ts';

const shape = z.object({
  anyOf: z.array(z.object({ properties: z.record(z.string(), z.unknown()), required: z.array(z.string()) })),
});

test('the schema has every event, each with the envelope', () => {
  const { anyOf } = shape.parse(eventSchema());
  const types = anyOf.map(({ properties }) => z.object({ const: z.string() }).parse(properties.type).const);
  expect(types).toEqual(eventBody.options.map((option) => option.shape.type.value));
  for (const { required } of anyOf)
    expect(required).toEqual(expect.arrayContaining(['v', 'seq', 'atMs', 'type']));
});
