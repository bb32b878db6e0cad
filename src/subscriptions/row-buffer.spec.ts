import { headTable, itemTable } from '../../test/contract/projections-support.js';
import { RowBuffer } from './row-buffer.js';

describe('the row buffer', () => {
  const key = { contract: 'a', item: 'nut' };
  const row = (amount: number) => ({ ...key, amount, times: 1 });

  it('keeps the last row of each key', () => {
    const rows = new RowBuffer();
    for (const amount of [1, 2, 3]) rows.put(itemTable, row(amount));
    rows.put(itemTable, { ...row(9), contract: 'b' });
    expect([...rows.changes(itemTable)!.puts.values()]).toEqual([row(3), { ...row(9), contract: 'b' }]);
    expect(rows.size).toBe(2);
    expect(rows.changes(headTable)).toBeUndefined();
  });

  it('lets the last word decide between putting and removing', () => {
    const rows = new RowBuffer();
    rows.put(itemTable, row(1));
    rows.remove(itemTable, key);
    expect([rows.changes(itemTable)!.puts.size, [...rows.changes(itemTable)!.removes.values()]]).toEqual([0, [key]]);
    rows.put(itemTable, row(2));
    expect([rows.changes(itemTable)!.removes.size, [...rows.changes(itemTable)!.puts.values()]]).toEqual([0, [row(2)]]);
  });

  it('tells keys apart whose parts join to the same text', () => {
    const rows = new RowBuffer();
    rows.put(itemTable, { ...row(1), contract: 'a-b', item: 'c' });
    rows.put(itemTable, { ...row(1), contract: 'a', item: 'b-c' });
    expect(rows.changes(itemTable)!.puts.size).toBe(2);
  });
});
