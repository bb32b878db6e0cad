import { isUtf8 } from 'node:buffer';

/** One line of a body: its number from 1, and its text unless it cannot be read. */
export type Line =
  | { readonly number: number; readonly text: string }
  | { readonly number: number; readonly wrong: 'not-utf8' | 'too-large' };

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/**
 * Splits bytes that come in pieces into lines, keeping no more than one line that is not complete. Empty lines are
 * counted and left out. A line that is too large is skipped without being kept, and reported once it ends.
 */
export class LineSplitter {
  readonly #limit: number;
  #rest: Buffer[] = [];
  #restBytes = 0;
  #skipping = false;
  #number = 0;

  /** @param limit bytes of a line, without its end */
  constructor(limit: number) {
    this.#limit = limit;
  }

  push(chunk: Buffer): Line[] {
    const lines: Line[] = [];
    const end = chunk.lastIndexOf(NEWLINE);
    if (end === -1) {
      this.#keep(chunk);
      return lines;
    }
    let start = 0;
    if (this.#restBytes > 0 || this.#skipping) {
      start = chunk.indexOf(NEWLINE) + 1;
      this.#keep(chunk.subarray(0, start - 1));
      this.#complete(lines);
    }
    if (start <= end) this.#block(chunk.subarray(start, end), lines);
    this.#keep(chunk.subarray(end + 1));
    return lines;
  }

  /** The last line, where no line break ended it. */
  end(): Line[] {
    const lines: Line[] = [];
    if (this.#restBytes > 0 || this.#skipping) this.#complete(lines);
    return lines;
  }

  #keep(bytes: Buffer): void {
    if (bytes.length === 0 || this.#skipping) return;
    this.#rest.push(bytes);
    this.#restBytes += bytes.length;
    // A carriage return may still belong to the end of the line.
    if (this.#restBytes <= this.#limit + 1) return;
    this.#skipping = true;
    this.#rest = [];
    this.#restBytes = 0;
  }

  #complete(lines: Line[]): void {
    const line = Buffer.concat(this.#rest, this.#restBytes);
    this.#rest = [];
    this.#restBytes = 0;
    if (this.#skipping) {
      this.#skipping = false;
      this.#number += 1;
      lines.push({ number: this.#number, wrong: 'too-large' });
    } else this.#block(line, lines);
  }

  /** Complete lines, decoded at once where that is possible. */
  #block(bytes: Buffer, lines: Line[]): void {
    if (bytes.length <= this.#limit && isUtf8(bytes)) {
      for (const text of bytes.toString('utf8').split('\n')) {
        this.#number += 1;
        const trimmed = text.endsWith('\r') ? text.slice(0, -1) : text;
        if (trimmed.trim() !== '') lines.push({ number: this.#number, text: trimmed });
      }
      return;
    }
    for (let start = 0; start <= bytes.length;) {
      const next = bytes.indexOf(NEWLINE, start);
      const end = next === -1 ? bytes.length : next;
      this.#line(bytes.subarray(start, end > start && bytes[end - 1] === RETURN ? end - 1 : end), lines);
      start = end + 1;
    }
  }

  #line(bytes: Buffer, lines: Line[]): void {
    this.#number += 1;
    if (bytes.length > this.#limit) lines.push({ number: this.#number, wrong: 'too-large' });
    else if (!isUtf8(bytes)) lines.push({ number: this.#number, wrong: 'not-utf8' });
    else {
      const text = bytes.toString('utf8');
      if (text.trim() !== '') lines.push({ number: this.#number, text });
    }
  }
}
