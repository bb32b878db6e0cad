/** Answers as CSV (RFC 4180): one row an entry, columns named by the path of the field in the JSON answer. */
import { stringify } from 'csv-stringify/sync';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isPlainObject } from '../contract/fields.js';
import { JSON_TYPE, negotiate } from './media-types.js';

export const CSV = 'text/csv';

/** What a spreadsheet may take for a formula at the beginning of a cell, also in full width; and the apostrophe that quotes it. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠']/;

/** Text that would be a formula, or begins as quoted text does, is quoted with an apostrophe; numbers stay numbers. */
const cell = (value: unknown): string => {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return FORMULA.test(value) ? `'${value}` : value;
  return typeof value === 'object' ? cell(JSON.stringify(value)) : JSON.stringify(value);
};

/** Fields of objects become columns `outer.inner`; lists of plain values are joined by a space, others are JSON. */
function flatten(value: Readonly<Record<string, unknown>>, prefix = '', into = new Map<string, string>()) {
  for (const [name, field] of Object.entries(value)) {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    if (isPlainObject(field)) flatten(field, path, into);
    else if (Array.isArray(field) && field.every((entry) => typeof entry === 'string'))
      into.set(path, cell(field.join(' ')));
    else into.set(path, cell(field));
  }
  return into;
}

/**
 * The entries as CSV with a header line.
 * @param columns names of the columns, in order: an answer without entries has them too
 */
export function csvOf(entries: readonly Readonly<Record<string, unknown>>[], columns: readonly string[]): string {
  const rows = entries.map((entry) => {
    const flat = flatten(entry);
    return columns.map((column) => flat.get(column) ?? '');
  });
  return stringify([[...columns], ...rows], { record_delimiter: 'windows' });
}

/** Whether a list is asked for as JSON or as CSV. @throws Problem `not-acceptable` */
export function jsonOrCsv(request: FastifyRequest, reply: FastifyReply): typeof JSON_TYPE | typeof CSV {
  void reply.header('vary', 'Accept');
  return negotiate(request, [JSON_TYPE, CSV]);
}

export function sendCsv(reply: FastifyReply, text: string): void {
  void reply.type(`${CSV}; charset=utf-8; header=present`).send(text);
}
