/** (f): a million events in one stream of lines, and what memory the server takes for it. */
import { contractNames, EventSource } from './events.js';
import { catchUp, linePieces, peakOf, register, withLedger } from './ledger.js';
import { streamLines } from './load.js';
import type { Run } from './report.js';

export async function memoryBench(run: Run): Promise<void> {
  const events = run.sized(1_000_000, 10_000);
  for (const [count, limitMb] of [
    [1, 400],
    [1_000, 300],
  ] as const)
    await withLedger({}, async (ledger) => {
      const contracts = contractNames(count, 'M');
      await register(ledger.url, contracts);
      // Made while it is sent: a client that held a million events ready would say nothing about a stream.
      const seconds = await streamLines(ledger.url, '/events', linePieces(new EventSource(contracts), events), events);
      const lag = await catchUp(ledger.url);
      const peakMb = peakOf(ledger);
      const speed = `${Math.round(events / seconds).toLocaleString('en')} events/s`;
      run.report({
        what: `${events.toLocaleString('en')} events to ${count.toLocaleString('en')} contract${count === 1 ? '' : 's'} at ${speed}`,
        figure: { value: peakMb ?? Number.NaN, unit: 'MB' },
        lag,
        peakMemoryMb: peakMb,
        aim: { words: `below ${limitMb} MB`, met: (peakMb ?? Number.POSITIVE_INFINITY) < limitMb },
      });
    });
}
