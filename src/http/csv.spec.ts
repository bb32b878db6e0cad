import { csvOf } from './csv.js';

test('fields of objects are columns, commas, quotes and line ends are kept, and null is empty', () => {
  const entries = [
    { contract: 'A', value: { amount: '1.50', currency: 'USD' }, title: 'a "b", c\nd', none: null, days: -3 },
    { contract: 'B', value: null, title: '', none: ['x', 'y'], days: 0 },
  ];
  expect(csvOf(entries, ['contract', 'value.amount', 'title', 'none', 'days'])).toBe(
    'contract,value.amount,title,none,days\r\nA,1.50,"a ""b"", c\nd",,-3\r\nB,,,x y,0\r\n',
  );
});

test.each(['=1+1', '+1', '-1', '@a', '\tx', '\rx', '\nx', '＝1', '＋1', '－1', '＠a', "'a"])(
  'text that a spreadsheet would take for a formula is quoted: %j',
  (text) => {
    expect(csvOf([{ text }], ['text'])).toContain(`'${text}`);
  },
);

test('without entries there is the header line', () => {
  expect(csvOf([], ['a', 'b'])).toBe('a,b\r\n');
});
