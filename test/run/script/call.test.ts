import { describe, expect, it } from 'vitest';
import { XspliceError } from '../../../src/base/index.ts';
import type { ScenarioCell, Stage } from '../../../src/run/index.ts';
import type { CallResult, FunctionCall } from '../../../src/xen/index.ts';
import { miniatureStage, runOne, withSteps } from './support.ts';

const UPLOAD = 'upload: { name: hello, file: hello.livepatch }';

const came = (result: bigint | null, buffers: readonly Uint8Array[] = []): CallResult => ({
  result,
  instructions: 3,
  entered: ['f'],
  coverage: [{ symbol: 'f [hello]', size: 8, covered: 6 }],
  buffers,
});

/** A simulated host whose functions are called by a stand-in. */
const calling =
  (answer: (call: FunctionCall, host: Stage) => CallResult | Promise<CallResult>, asked: FunctionCall[] = []) =>
  (cell: ScenarioCell): Stage => {
    const host = miniatureStage(cell);
    const call = async (request: FunctionCall): Promise<CallResult> => {
      asked.push(request);
      return answer(request, host);
    };
    return { ...host, call };
  };

/** What did not come as expected of one call. */
const fields = async (call: string, answer: CallResult) =>
  (
    await runOne(
      withSteps(`call: { function: f, ${call} }`),
      calling(() => answer),
    )
  ).surprise?.fields;

describe('call', () => {
  it('passes the function, its arguments and the CPU', async () => {
    const asked: FunctionCall[] = [];
    const args = '[-1, text, { hex: "01 02" }, { zero: 2 }]';
    const run = await runOne(
      withSteps(`call: { function: "a.c#f", args: ${args}, cpu: 3 }`, 'call: g'),
      calling(() => came(0n, [new Uint8Array([1]), new Uint8Array(2)]), asked),
    );
    expect(asked).toEqual([
      {
        function: 'a.c#f',
        args: [
          { kind: 'int', value: 0xffff_ffff_ffff_ffffn },
          { kind: 'string', text: 'text' },
          { kind: 'buffer', bytes: new Uint8Array([1, 2]) },
          { kind: 'buffer', bytes: new Uint8Array(2) },
        ],
        cpu: 3,
      },
      { function: 'g', args: [] },
    ]);
    expect(run).toMatchObject({ verdict: 'passed', steps: [{ call: 0, name: 'a.c#f', rc: null }, { call: 1 }] });
    expect(run.calls[0]).toEqual({
      function: 'a.c#f',
      when: 'before',
      returned: { int: 0, string: null },
      instructions: 3,
      entered: ['f'],
      coverage: [{ symbol: 'f [hello]', size: 8, covered: 6 }],
      buffers: ['01', '0000'],
    });
  });

  it('knows whether a payload is applied', async () => {
    const { calls } = await runOne(
      withSteps('call: f', UPLOAD, 'call: f', 'apply: hello', 'call: f', 'revert: hello', 'call: f'),
      calling(() => came(0n)),
    );
    expect(calls.map(({ when }) => when)).toEqual(['before', 'before', 'applied', 'reverted']);
  });

  it('compares the result as an integer, of 64 bits or as an int', async () => {
    expect(await fields('returns: { int: 5 }', came(5n))).toBeUndefined();
    expect(await fields('returns: { int: -22 }', came(0xffff_ffff_ffff_ffean))).toBeUndefined();
    expect(await fields('returns: { int: -22 }', came(0xffff_ffean))).toBeUndefined();
    expect(await fields('returns: { int: 0xffffffffffffffff }', came(0xffff_ffffn))).toEqual([
      { field: 'returns.int', expected: '0xffffffffffffffff', came: '0xffffffff' },
    ]);
    expect(await fields('returns: { int: 5 }', came(0x1_0000_0005n))).toEqual([
      { field: 'returns.int', expected: 5, came: '0x100000005' },
    ]);
    expect(await fields('returns: { int: -1 }', came(1n))).toEqual([{ field: 'returns.int', expected: -1, came: 1 }]);
  });

  it('compares the result as an errno', async () => {
    expect(await fields('returns: { errno: EINVAL }', came(0xffff_ffean))).toBeUndefined();
    expect(await fields('returns: { errno: EINVAL }', came(0xffff_ffff_ffff_ffean))).toBeUndefined();
    expect(await fields('returns: { errno: 0 }', came(0n))).toBeUndefined();
    expect(await fields('returns: { errno: 0 }', came(0xffff_ffean))).toEqual([
      { field: 'returns.errno', expected: 0, came: 'EINVAL' },
    ]);
    expect(await fields('returns: { errno: EINVAL }', came(22n))).toEqual([
      { field: 'returns.errno', expected: 'EINVAL', came: 22 },
    ]);
  });

  it('reads the text that the result points to, across pages', async () => {
    const host = calling(async (_, stage) => {
      // Where the miniature image has its extra version, as the unpatched function returns it.
      const text = await stage.target.peek(stage.image.core.textStart, 0x1000);
      expect(text).not.toBeNull();
      return came(stage.image.core.textStart);
    });
    const run = await runOne(withSteps('call: { function: f, returns: { string: nothing } }'), host);
    expect(run.surprise?.fields).toMatchObject([{ field: 'returns.string', expected: 'nothing' }]);

    const memory = new Map([
      [0x1ffen, 'he'],
      [0x2000n, `llo\0${'x'.repeat(0xffc)}`],
      [0x5000n, 'y'.repeat(0x1000)],
    ]);
    const peeking =
      (at: bigint) =>
      (cell: ScenarioCell): Stage => {
        const plain = calling(() => came(at))(cell);
        const target = Object.assign(Object.create(plain.target), {
          peek: async (address: bigint, length: number) => {
            const bytes = memory.get(address);
            return bytes === undefined || bytes.length < length ? null : Uint8Array.from(Buffer.from(bytes));
          },
        });
        return { ...plain, target };
      };
    const returned = async (at: bigint) =>
      (await runOne(withSteps('call: { function: f, returns: { string: hello } }'), peeking(at))).calls[0]?.returned;
    expect(await returned(0x1ffen)).toEqual({ int: 0x1ffe, string: 'hello' });
    // Not mapped, a null pointer, and a text without an end.
    expect(await returned(0x9000n)).toMatchObject({ string: null });
    expect(await returned(0n)).toMatchObject({ string: null });
    expect(await returned(0x5000n)).toMatchObject({ string: null });
  });

  it('compares buffers, and shows large ones from the first difference', async () => {
    const large = new Uint8Array(1000);
    large[700] = 9;
    const args = 'args: [{ zero: 2 }, { zero: 1000 }, { zero: 3 }]';
    const found = await fields(
      `${args}, buffers: [{ hex: "01 02" }, { zero: 1000 }, { string: ab }]`,
      came(0n, [new Uint8Array([1, 3]), large, new Uint8Array([97, 0, 98])]),
    );
    expect(found).toEqual([
      { field: 'buffers[0]', expected: '0102', came: '0103' },
      {
        field: 'buffers[1]',
        expected: expect.stringMatching(/^\+692: 0+… \(308 bytes\)$/),
        came: expect.stringContaining('+692: 000000000000000009'),
      },
      { field: 'buffers[2]', expected: 'ab', came: 'a' },
    ]);
    const same = came(0n, [new Uint8Array(2), large, new Uint8Array([97, 98, 0])]);
    expect(await fields(`${args}, buffers: [{ zero: 2 }, ~, { string: ab }]`, same)).toBeUndefined();
  });

  it('keeps wide results exact in the document', async () => {
    const run = await runOne(
      withSteps('call: f'),
      calling(() => came(0xffff_82d0_405b_0001n)),
    );
    expect(run.calls[0]?.returned.int).toBe('0xffff82d0405b0001');
  });

  it('reports a call that never returned', async () => {
    expect(await fields('returns: { int: 5 }', came(null))).toEqual([
      { field: 'returns', expected: 'the function returns', came: null },
    ]);
  });

  it('may kill the host', async () => {
    const panic = { message: 'GENERAL PROTECTION FAULT', errorCode: 0, address: null, screen: ['it is down'] };
    const dying = (cell: ScenarioCell): Stage => {
      let down = false;
      const host = calling(() => {
        down = true;
        throw new XspliceError('EHOST', 'the host is gone');
      })(cell);
      const target = Object.assign(Object.create(host.target), { panic: async () => (down ? panic : null) });
      return { ...host, target };
    };
    const run = await runOne(withSteps('panics: { call: f, message: PROTECTION, error_code: 0 }'), dying);
    expect(run).toMatchObject({ verdict: 'passed', steps: [{ panic: { screen: ['it is down'] } }], calls: [] });
    const unexpected = await runOne(withSteps('call: f', 'list'), dying);
    expect(unexpected).toMatchObject({ verdict: 'failed', left: ['list'] });
  });

  it('is an error if there is no such function', async () => {
    const run = await runOne(
      withSteps('call: f'),
      calling(() => {
        throw new XspliceError('EUSAGE', 'there is no function f', 'look at the symbols');
      }),
    );
    expect(run).toMatchObject({ verdict: 'error', error: { code: 'EUSAGE', message: 'there is no function f' } });
  });
});
