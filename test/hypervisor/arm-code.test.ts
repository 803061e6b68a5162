import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { gunzip } from '../../src/cli/gunzip.ts';
import { ARM_HOOK_CASES } from '../../src/conform/cases/arm.ts';
import { callFunction } from '../../src/hypervisor/call-function.ts';
import type { SimulatedTarget } from '../../src/hypervisor/index.ts';
import { openSimulation, type Simulation } from '../../src/run/index.ts';
import type { ArmName } from '../../src/synth/arm-code.ts';
import { armHookPayload, type WriteArm } from '../../src/synth/arm-hook-payload.ts';
import { buildPayload, xenFacts } from '../../src/synth/index.ts';
import type { CallArgument, HostPanic } from '../../src/xen/index.ts';
import { openCpu } from '../run/xen.ts';
import { actionNow, uploadNow } from '../support/answers.ts';
import { xenFromSource } from '../support/source-xen.ts';

/** Runs code of payloads and of the hypervisor on simulated Arm hosts. */

const int = (value: bigint): CallArgument => ({ kind: 'int', value });
const text = (value: string): CallArgument => ({ kind: 'string', text: value });

describe.each(['arm64', 'arm32'] as const)('code on %s', (arch: ArmName) => {
  let simulation: Simulation;
  let target: SimulatedTarget;

  beforeAll(async () => {
    const source = await xenFromSource(arch);
    simulation = openSimulation(readFileSync(source.xenSyms), { gunzip, openCpu });
  }, 1_800_000);

  /** Runs a case's first steps until it ends or the host dies; returns the console without the subsystem's own lines. */
  function runCase(name: string): string[] {
    const found = ARM_HOOK_CASES.find((each) => each.name === `hook-${arch}-${name}`) ?? expect.fail(name);
    target = simulation.boot();
    const lines: string[] = [];
    const xen = xenFacts(simulation.image, simulation.release);
    for (const step of found.steps) {
      if ('upload' in step) {
        const spec = found.payloads?.[step.upload] ?? expect.fail(step.upload);
        expect(uploadNow(target, step.upload, buildPayload(spec, { xen }))).toBe(0);
      } else if ('apply' in step) actionNow(target, step.apply, 'apply');
      else if ('revert' in step) actionNow(target, step.revert, 'revert');
      else if ('unload' in step) actionNow(target, step.unload, 'unload');
      lines.push(...target.hypervisor.machine.console.take());
      if (target.hypervisor.stopped !== null) break;
    }
    return lines.filter((line) => !/^livepatch: |^alt table/.test(line));
  }

  const panic = (): HostPanic => target.hypervisor.stopped?.panic ?? expect.fail('the host is up');

  /** A case of one load hook. */
  function runHook(write: WriteArm): string[] {
    target = simulation.boot();
    const xen = xenFacts(simulation.image, simulation.release);
    const spec = armHookPayload(arch, { h: write }, { load: ['h'] });
    expect(uploadNow(target, 'p', buildPayload(spec, { xen }))).toBe(0);
    actionNow(target, 'p', 'apply');
    return target.hypervisor.machine.console.take().filter((line) => !line.startsWith('livepatch: '));
  }

  it('runs hooks in order, with their payload’s structure', () => {
    expect(runCase('load-order')).toEqual([
      ...['load_2', 'load_1', 'unload_2', 'unload_1', 'unload_2'],
      ...['load_2', 'load_1', 'unload_2', 'unload_1', 'unload_2'],
    ]);
    expect(runCase('all').slice(0, 6)).toEqual([
      'preapply: state 1 rc 0 reverted 0',
      'apply: state 1 rc -11 reverted 0',
      'postapply: state 2 rc 0 reverted 0',
      'prerevert: state 2 rc 0 reverted 0',
      'revert: state 2 rc -11 reverted 0',
      'postrevert: state 1 rc 0 reverted 1',
    ]);
  });

  it('uses a hook’s result and its changes of the structure', () => {
    runCase('preapply-returns--16');
    expect(target.hypervisor.payloads).toEqual([]);
    runCase('prerevert-returns-5');
    expect(target.hypervisor.payloads).toMatchObject([{ state: 'APPLIED', rc: 5 }]);
    runCase('sets-state');
    expect(target.hypervisor.payloads).toEqual([]);
    expect(target.hypervisor.stopped).toBeNull();
  });

  it('prints arguments from registers and the stack', () => {
    expect(runCase('printk-many-arguments')).toEqual(['1 2 3 4 5 6 7 8 9 ten']);
    const lines = runCase('printk-numbers');
    expect(lines).toContain('%hu = [7616]');
    expect(lines).toContain(arch === 'arm64' ? '%lu = [18446744073709428160]' : '%lu = [4294843840]');
  });

  it('prints a WARN whose file name is the hypervisor’s on arm64; arm32 searches no bug frames in payloads', () => {
    const lines = runCase('warn');
    if (arch === 'arm64') {
      expect(lines[0]).toBe('Xen WARN at a/b.c:1234');
      expect(lines).toContain('   [<0000000000a02060>] h+0x10/0x2c [p] (PC)');
      expect(lines.at(-1)).toBe('behind it');
    } else {
      expect(lines).toEqual([]);
      expect(panic().message).toBe('CPU0: Unexpected Trap: Undefined Instruction');
    }
  });

  it.each([1, 2])('dies at a bug frame of kind %d whose file name is in the payload', (type) => {
    runCase(`own-file-${type}`);
    const trap = arch === 'arm64' ? 'Undefined Breakpoint Value' : 'Undefined Instruction';
    expect(panic().message).toBe(`CPU0: Unexpected Trap: ${trap}`);
    expect(panic().screen[0]).toBe(`CPU0: Unexpected Trap: ${trap}`);
  });

  it('shows the registers of code that faults', () => {
    runCase('data-abort-read');
    const code = arch === 'arm64' ? 0x9600_0006 : 0x9400_0006;
    expect(panic()).toMatchObject({ message: 'CPU0: Unexpected Trap: Data Abort', errorCode: code, address: 0x10n });
    const { screen } = panic();
    expect(screen[0]).toBe(`Data Abort Trap. Syndrome=0x${(code & 0xff).toString(16)}`);
    const register = arch === 'arm64' ? '     X0: 0000000000000000  X1: 0000000000000010' : ' R1: 00000010 R2: ';
    expect(screen.some((line) => line.includes(register))).toBe(true);
    expect(screen.some((line) => /^PC: .* h\+0x[0-9a-f]+\/0x[0-9a-f]+ \[p\]$/.test(line))).toBe(true);
  });

  it('cannot write read-only memory, but can write its own data', () => {
    for (const name of ['writes-own-rodata-load', 'writes-own-text', 'writes-hypervisor-text']) {
      expect(runCase(name)).toEqual([]);
      expect((panic().errorCode ?? 0) & 0x7f, name).toBe(0x4f);
    }
    expect(runCase('writes-own-data')).toEqual(['written']);
  });

  it('runs a function in an exception handler only where bug frames of payloads are searched', () => {
    expect(runCase('run-fn')).toEqual(arch === 'arm64' ? ['run at h+0x18/0x34 [p]', 'behind it'] : []);
  });

  it('overwrites memory below an exhausted stack', () => {
    // push, and again
    runHook((code) => code.raw({ arm64: [0xf81f_0fe0, 0x17ff_ffff], arm32: [0xe52d_0004, 0xeaff_fffd] }));
    expect(target.hypervisor.stopped?.stop.cause).toMatchObject({ kind: 'corruption' });
  });

  it('does not hang the simulator if it never ends', () => {
    runHook((code) =>
      code.raw({ arm64: [0xd65f_03c0], arm32: [0xe12f_ff1e] }).raw({ arm64: [0x1400_0000], arm32: [0xeaff_fffe] }),
    );
    const { code, payloads } = target.hypervisor;
    const entry = (payloads[0]?.symtab.find(({ name }) => name === 'h')?.value ?? expect.fail('no hook')) + 4n;
    const context = { cpu: 0, interrupts: false, current: 'idle' } as const;
    const run = () => code?.call(entry, [], context, { budget: { instructions: 10_000, milliseconds: 10_000 } });
    let stop: unknown;
    try {
      run();
    } catch (thrown) {
      stop = thrown;
    }
    expect(stop).toMatchObject({ cause: { kind: 'hang' } });
  });

  it('knows its CPU and its vCPU', () => {
    target = simulation.boot();
    const { symbols, machine } = target.hypervisor;
    const id = symbols.byName('per_cpu__cpu_id');
    expect(id).not.toBe(0n);
    callFunction(target.hypervisor, { function: 'strlen', args: [text('x')] });
    expect(machine.space.readU32(id)).toBe(0);
    // A call is made for dom0: `current` leads to domain 0.
    const size = arch === 'arm64' ? 8 : 4;
    const word = (address: bigint): bigint =>
      size === 8 ? machine.space.readU64(address) : BigInt(machine.space.readU32(address));
    const vcpu = word(symbols.byName('per_cpu__curr_vcpu'));
    expect(vcpu).not.toBe(0n);
    expect(machine.space.readU32(word(vcpu + BigInt(8 + size)))).toBe(0);
  });

  it('can be called with numbers, strings and buffers', () => {
    target = simulation.boot();
    const call = (name: string, ...args: CallArgument[]) => callFunction(target.hypervisor, { function: name, args });
    expect(call('strlen', text('twelve bytes'))).toMatchObject({ result: 12n, entered: ['strlen'] });
    const printed = call(
      'snprintf',
      { kind: 'buffer', bytes: new Uint8Array(32) },
      int(32n),
      text('%d %s %x'),
      int(-5n),
      text('t'),
      int(255n),
    );
    expect(printed.result).toBe(7n);
    expect(
      Buffer.from(printed.buffers[0] ?? [])
        .toString('latin1')
        .slice(0, 8),
    ).toBe('-5 t ff\0');
    expect(() => call('strlen', int(1n << BigInt(arch === 'arm64' ? 64 : 32)))).toThrow(
      /does not fit into a \d+-bit argument/,
    );
    const version = call('xen_extra_version').result ?? expect.fail('no result');
    expect(target.hypervisor.machine.space.readCString(version, 8)).toBe('.5');
  });
});
