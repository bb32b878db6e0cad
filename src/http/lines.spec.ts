import * as fc from 'fast-check';
import { LineSplitter, type Line } from './lines.js';

function split(bytes: Buffer, cuts: readonly number[], limit: number): Line[] {
  const splitter = new LineSplitter(limit);
  const lines: Line[] = [];
  let from = 0;
  for (const to of [...cuts].sort((a, b) => a - b)) {
    lines.push(...splitter.push(bytes.subarray(from, to)));
    from = to;
  }
  lines.push(...splitter.push(bytes.subarray(from)), ...splitter.end());
  return lines;
}

/** What the splitter must find, said in the plainest way. */
function expected(bytes: Buffer, limit: number): Line[] {
  const lines: Line[] = [];
  const pieces: Buffer[] = [];
  let from = 0;
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, from)) {
    pieces.push(bytes.subarray(from, at));
    from = at + 1;
  }
  pieces.push(bytes.subarray(from));
  for (const [index, piece] of pieces.entries()) {
    const line = piece.at(-1) === 13 ? piece.subarray(0, -1) : piece;
    const number = index + 1;
    if (line.length > limit) lines.push({ number, wrong: 'too-large' });
    else {
      const text = line.toString('utf8');
      if (!Buffer.from(text, 'utf8').equals(line)) lines.push({ number, wrong: 'not-utf8' });
      else if (text.trim() !== '') lines.push({ number, text });
    }
  }
  return lines;
}

test('finds the same lines however the bytes are cut', () => {
  const piece = fc.oneof(
    fc
      .constantFrom('\n', '\r\n', '\r', ' ', '{"a":1}', 'é', '😀', '0123456789ABCDEF', '\n\n')
      .map((text) => Buffer.from(text, 'utf8')),
    fc.constantFrom([0xff], [0xe2, 0x82], [0xc3]).map((wrong) => Buffer.from(wrong)),
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 30 }),
      fc.array(fc.nat(300), { maxLength: 10 }),
      fc.integer({ min: 1, max: 40 }),
      (pieces, cuts, limit) => {
        const bytes = Buffer.concat(pieces);
        const inside = cuts.filter((cut) => cut <= bytes.length);
        expect(split(bytes, inside, limit)).toEqual(expected(bytes, limit));
      },
    ),
    { numRuns: 2_000 },
  );
});

test('a line without end is not kept', () => {
  const splitter = new LineSplitter(1_000);
  for (let at = 0; at < 1_000; at += 1) expect(splitter.push(Buffer.alloc(1_000, 'x'))).toEqual([]);
  expect(splitter.push(Buffer.from('x\nnext\n'))).toEqual([
    { number: 1, wrong: 'too-large' },
    { number: 2, text: 'next' },
  ]);
});
