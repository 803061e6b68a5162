import { describe, expect, it } from 'vitest';
import { type ListRequest, type ListResult, listUninterrupted } from '../../src/xen/index.ts';
import { answered } from '../support/answers.ts';

const entry = (name: string) => ({ name, state: 1, rc: 0, metadata: new Uint8Array(0) });
const NAMES = ['a', 'b', 'c'];

/** Makes a host with three payloads that stops after the first entry, `cuts` times. */
function host(cuts: number) {
  const asked: ListRequest[] = [];
  const list = async (request: ListRequest): Promise<ListResult> => {
    asked.push(request);
    const count = Math.min(request.nr, NAMES.length - request.idx, asked.length <= cuts ? 1 : 1024);
    const entries = NAMES.slice(request.idx, request.idx + count).map(entry);
    const left = NAMES.length - request.idx - count;
    return {
      kind: 'answered',
      rc: count,
      version: 3,
      nr: left,
      nameTotalSize: 2 * count,
      metadataTotalSize: 0,
      entries,
    };
  };
  return { list, asked };
}

describe('a list that is not interrupted', () => {
  it.each([
    ['is asked for again where Xen has stopped on the way', 2, { idx: 0, nr: 3 }, 3, 3],
    ['may leave payloads out that were not asked for', 0, { idx: 0, nr: 2 }, 2, 1],
    ['is complete where fewer are left than asked for', 0, { idx: 1, nr: 8 }, 2, 1],
    ['may be one of sizes alone', 5, { idx: 0, nr: 0 }, 0, 1],
    ['may be of one', 5, { idx: 1, nr: 1 }, 1, 1],
    ['is given up in the end', 1000, { idx: 0, nr: 3 }, 1, 100],
  ])('%s', async (_what, cuts, request, count, calls) => {
    const target = host(cuts);
    const { entries } = answered(await listUninterrupted(target, request));
    expect(entries).toHaveLength(count);
    expect(target.asked).toHaveLength(calls);
    expect(target.asked.every((each) => each === request)).toBe(true);
  });

  it('is not retried after a refusal', async () => {
    let calls = 0;
    const refused = {
      kind: 'answered',
      rc: -22,
      version: 0,
      nr: 3,
      nameTotalSize: 0,
      metadataTotalSize: 0,
      entries: [],
    } as const;
    const list = async () => {
      calls++;
      return refused;
    };
    expect(await listUninterrupted({ list }, { idx: 0, nr: 3 })).toBe(refused);
    expect(calls).toBe(1);
  });
});
