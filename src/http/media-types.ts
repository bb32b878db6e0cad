/** The types of bodies, and choosing one for an answer. */
import type { FastifyRequest } from 'fastify';
import { Problem } from './problem.js';

export const JSON_TYPE = 'application/json';
export const NDJSON = 'application/x-ndjson';
export const CLOUDEVENT = 'application/cloudevents+json';
export const CLOUDEVENTS_BATCH = 'application/cloudevents-batch+json';

/**
 * The essence of the request's `Content-Type`: lower case, without parameters; '' for none, and for a charset other than
 * UTF-8, which no body here is in.
 */
export function contentTypeOf(request: FastifyRequest): string {
  const header = request.headers['content-type'];
  if (header === undefined) return '';
  const end = header.indexOf(';');
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(header)?.[1];
  if (charset !== undefined && charset.toLowerCase() !== 'utf-8') return '';
  return (end === -1 ? header : header.slice(0, end)).trim().toLowerCase();
}

export const acceptedTypes = (types: readonly string[]): string =>
  types.length < 2 ? types.join('') : `${types.slice(0, -1).join(', ')} or ${types.at(-1) ?? ''}`;

interface Range {
  readonly type: string;
  readonly quality: number;
}

function rangesOf(header: string): readonly Range[] {
  return header.split(',').map((part) => {
    const [type = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    const quality = weight === undefined ? 1 : Number(weight.slice(2));
    return { type, quality: quality >= 0 && quality <= 1 ? quality : 0 };
  });
}

function qualityOf(offered: string, ranges: readonly Range[]): number {
  const family = `${offered.slice(0, offered.indexOf('/'))}/*`;
  // RFC 9110 section 12.5.1: the most specific range that matches decides.
  for (const type of [offered, family, '*/*']) {
    const range = ranges.find((candidate) => candidate.type === type);
    if (range !== undefined) return range.quality;
  }
  return 0;
}

/**
 * The type of the answer: of those offered, best first, the one the request's `Accept` likes most (RFC 9110 section
 * 12.5.1). Without the header it is the first.
 *
 * @throws Problem `not-acceptable`
 */
export function negotiate<T extends string>(request: FastifyRequest, offered: readonly [T, ...T[]]): T {
  const header = request.headers.accept;
  if (header === undefined || header.trim() === '') return offered[0];
  const ranges = rangesOf(header);
  let best: T | undefined;
  let quality = 0;
  for (const type of offered) {
    const liked = qualityOf(type, ranges);
    if (liked > quality) [best, quality] = [type, liked];
  }
  if (best !== undefined) return best;
  const detail = `must allow ${acceptedTypes(offered)}`;
  throw new Problem('not-acceptable', `the Accept header ${detail}`, [{ pointer: 'Accept:', detail }]);
}
