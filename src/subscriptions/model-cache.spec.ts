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

  it('lets go of what was used longest ago, never of what is used now', () => {
    const cache = new ModelCache(2 * size);
    for (const contract of ['a', 'b', 'c']) put(cache, contract);
    expect(['a', 'b', 'c'].map((contract) => cache.take(contract, 0n)?.contract)).toEqual([undefined, 'b', 'c']);
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
});
