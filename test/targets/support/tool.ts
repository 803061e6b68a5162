/** Runs `xsplice host` on a simulated host, and returns `xen-livepatch`'s documented output. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { runHost } from '../../../src/cli/host-run.ts';
import type { ToolHost } from '../../../src/cli/host-session.ts';
import type { SimulatedTarget } from '../../../src/hypervisor/index.ts';
import { ERRNO, type LivepatchTarget } from '../../../src/xen/index.ts';
import { bootHost, upload } from '../../hypervisor/support.ts';
import { answering } from '../../support/answers.ts';
import { exampleBytes } from '../../support/examples.ts';
import { temporaryFolder } from '../support.ts';

export interface Printed {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ToolOptions {
  /** Second number of the toolstack's version; 17 by default. */
  readonly minor?: number;
  readonly cwd?: string;
  readonly json?: boolean;
  /** Called when the tool waits for the hypervisor. */
  readonly sleep?: (ms: number) => Promise<void>;
}

/** Runs a command line of `xsplice host` on a target. `HELP` stands for the help text. */
export async function tool(target: LivepatchTarget, words: readonly string[], options: ToolOptions = {}) {
  const { minor = 17, cwd = '/', json = false, sleep = async () => {} } = options;
  const said = { stdout: '', stderr: '' };
  const io = {
    cwd,
    stdout: (text: string) => {
      said.stdout += text;
    },
    stderr: (text: string) => {
      said.stderr += text;
    },
  };
  const host: ToolHost = {
    target: answering(target),
    minor,
    advice: (errno) => (errno === ERRNO.ENOSYS ? 'no live patching here' : undefined),
    identity: async () => ({ version: '4.18.1', buildId: 'c0ffee' }),
    dump: async () => {
      if (!('dump' in target)) return { kind: 'answered', rc: -ERRNO.EPERM };
      await (target as SimulatedTarget).dump();
      return { kind: 'answered', rc: 0 };
    },
  };
  const help = () => io.stderr('HELP');
  const status = await runHost(words, { json, help }, io, { minor, sleep, withHost: (work) => work(host) });
  return { status, ...said } satisfies Printed;
}

/** A target whose actions stay pending until {@link Pending.settle}, as on a busy host. */
export class Pending implements LivepatchTarget {
  readonly simulated: SimulatedTarget;

  constructor(simulated: SimulatedTarget) {
    this.simulated = simulated;
  }

  upload: LivepatchTarget['upload'] = (...args) => this.simulated.upload(...args);
  get: LivepatchTarget['get'] = (name) => this.simulated.get(name);
  list: LivepatchTarget['list'] = (request) => this.simulated.list(request);
  action: LivepatchTarget['action'] = async (...args) => this.simulated.schedule(...args);
  takeConsole: LivepatchTarget['takeConsole'] = () => this.simulated.takeConsole();
  panic: LivepatchTarget['panic'] = () => this.simulated.panic();

  settle(): void {
    this.simulated.idle();
  }
}

/** Writes the examples as files, and some invalid payloads: `empty`, and a `folder`. */
export function exampleFolder(): string {
  const folder = temporaryFolder();
  for (const name of ['hello', 'stack', 'data', 'no-depends', 'replace', 'expectation-fails', 'wrong-build-id']) {
    writeFileSync(join(folder, `${name}.livepatch`), exampleBytes(name));
  }
  writeFileSync(join(folder, 'empty'), '');
  mkdirSync(join(folder, 'folder'));
  return folder;
}

/** First lines of a list since 4.14. */
export const HEAD =
  ' ID                                     | status     | metadata\n' +
  '----------------------------------------+------------+---------------\n';

/** Returns a host with these examples uploaded and its console read. */
export async function hostWith(...names: string[]): Promise<SimulatedTarget> {
  const target = bootHost();
  for (const name of names) expect(upload(target, name).rc).toBe(0);
  await target.takeConsole();
  return target;
}

/** Returns a target with some calls replaced. */
export const butWith = (target: LivepatchTarget, other: Partial<LivepatchTarget>): LivepatchTarget => ({
  upload: (...args) => target.upload(...args),
  get: (name) => target.get(name),
  list: (request) => target.list(request),
  action: (...args) => target.action(...args),
  takeConsole: () => target.takeConsole(),
  panic: () => target.panic(),
  ...other,
});
