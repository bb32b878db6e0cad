import { event, foldAll, given, registered } from '../../test/support/scenario.js';
import { ContractModel } from '../contract/model.js';
import { estimateBytes, ModelCache } from './model-cache.js';

describe('the cache of facts', () => {
  const size = estimateBytes(new ContractModel('a'));
  const put = (cache: ModelCache, contract: string, revision = 0n): ContractModel => {
    const model = new ContractModel(contract);
    cache.put(contract, revision, model);
    return model;
  };

  it('gives facts out once, and only as of the revision asked for', () => {
    const cache = new ModelCache(10 * size);
    const model = put(cache, 'a', 4n);
    expect(cache.take('a', 4n)).toBe(model);
    expect(cache.take('a', 4n)).toBeUndefined();
    put(cache, 'a', 4n);
    // Facts that are behind or ahead are of no use any more.
    expect(cache.take('a', 5n)).toBeUndefined();
    expect(cache.take('a', 4n)).toBeUndefined();
    expect(cache.bytes).toBe(0);
  });

  it('keeps within its size, and of contracts that come up in turn it always has a part', () => {
    const cache = new ModelCache(50 * size);
    const contracts = Array.from({ length: 100 }, (_, n) => `c${n}`);
    let found = 0;
    for (let round = 0n; round < 20n; round += 1n)
      for (const contract of contracts) {
        if (cache.take(contract, round - 1n)?.contract === contract) found += 1;
        put(cache, contract, round);
        expect(cache.bytes).toBeLessThanOrEqual(50 * size);
      }
    expect(found).toBeGreaterThan(200);
  });

  it('never lets go of what was put last', () => {
    const small = new ModelCache(1);
    put(small, 'a');
    put(small, 'b');
    expect(small.bytes).toBe(size);
    expect(small.take('b', 0n)?.contract).toBe('b');
  });

  it('counts a contract by what it holds', () => {
    const model = new ContractModel('a');
    for (let n = 0; n < 100; n += 1) model.line(`L${n}`);
    for (let n = 0; n < 100; n += 1) model.milestone(`M${n}`);
    expect(estimateBytes(model)).toBeGreaterThan(size + 80_000);
  });

  it('counts what is large by its length, and every serial number that is remembered', () => {
    const serials = Array.from({ length: 1_000 }, (_, n) => `SN-${n}`);
    const check = (n: number) =>
      event(
        'QualityCheckRecorded',
        { check: `Q${n}`, line: '1', kind: 'final', standard: 'AS9102', quantity: 1, result: 'pass', serials },
        { by: 'prime-a' },
      );
    const before = estimateBytes(foldAll(given(registered()).recorded));
    const one = estimateBytes(foldAll(given(registered(), check(0)).recorded));
    // A thousand serials, once among the first checks and once among what is covered.
    expect(one - before).toBeGreaterThan(2 * 1_000 * 100);
    const narrative = event(
      'DelayReported',
      {
        delay: 'X1',
        cause: { code: 'supply', locus: 'prime', party: 'prime-a', detail: 'x'.repeat(4_000) },
        startedOn: '2020-01-20',
        forecasts: [],
      },
      { by: 'prime-a' },
    );
    expect(estimateBytes(foldAll(given(registered(), narrative).recorded)) - before).toBeGreaterThan(4_000 * 3);
    const plans = Array.from({ length: 100 }, () =>
      event(
        'MitigationProposed',
        { delay: 'X1', plan: 'x'.repeat(500), recoversDays: 1, by: 'prime-a' },
        { by: 'prime-a' },
      ),
    );
    const planned = estimateBytes(foldAll(given(registered(), narrative, ...plans).recorded));
    expect(planned - before).toBeGreaterThan(100 * 2_000);
  });
});
