import type { FastifyRequest } from 'fastify';
import { acceptedTypes, contentTypeOf, JSON_TYPE, NDJSON, negotiate } from './media-types.js';

const request = (headers: Record<string, string>) => ({ headers }) as unknown as FastifyRequest;

test.each([
  [undefined, JSON_TYPE],
  ['', JSON_TYPE],
  ['*/*', JSON_TYPE],
  ['application/*', JSON_TYPE],
  [NDJSON, NDJSON],
  ['Application/X-NDJSON; q=1', NDJSON],
  [`${JSON_TYPE};q=0.5, ${NDJSON}`, NDJSON],
  [`*/*, ${JSON_TYPE};q=0`, NDJSON],
  [`text/html, ${JSON_TYPE};q=0.1`, JSON_TYPE],
])('of JSON and lines, "%s" gets %s', (accept, expected) => {
  expect(negotiate(request(accept === undefined ? {} : { accept }), [JSON_TYPE, NDJSON])).toBe(expected);
});

test.each(['text/html', `${JSON_TYPE};q=0`, 'text/*', 'nonsense', '*/*;q=0'])('"%s" gets nothing', (accept) => {
  expect(() => negotiate(request({ accept }), [JSON_TYPE])).toThrow(
    expect.objectContaining({ code: 'not-acceptable' }),
  );
});

test('the type of a body is told without its parameters', () => {
  expect(contentTypeOf(request({ 'content-type': 'Application/JSON ; charset=utf-8' }))).toBe(JSON_TYPE);
  expect(contentTypeOf(request({}))).toBe('');
  expect(acceptedTypes(['a', 'b', 'c'])).toBe('a, b or c');
});
