/** Hosts that run the hypervisor built from source, and the life of a payload on one of them. */
import { expect } from 'vitest';
import { prepareQemu, type QemuHosts, type QemuOptions, type QemuTarget } from '../../../src/targets/index.ts';
import { LIVEPATCH_STATE_APPLIED, LIVEPATCH_STATE_CHECKED } from '../../../src/xen/index.ts';
import { rcOf } from '../../support/answers.ts';
import { type SourceArch, xenFromSource } from '../../support/source-xen.ts';
import type { Look } from './looks.ts';

/** A patch's effect that dom0 can see. */
export interface Effect {
  readonly look: Look;
  /** While it is not applied, or reverted. */
  readonly before: RegExp;
  /** While it is applied. */
  readonly after: RegExp;
}

/** Console output of a payload's hooks on apply and revert. */
export interface Says {
  readonly apply: RegExp;
  readonly revert: RegExp;
}

/** Hosts of one architecture, booted with the hypervisor that `xenFromSource` gives. */
export async function sourceHosts(
  arch: SourceArch,
  options: Pick<QemuOptions, 'env' | 'smp' | 'signal'> = {},
): Promise<QemuHosts> {
  const { xen, xenSyms } = await xenFromSource(arch);
  return prepareQemu({ ...options, arch, xenImage: xen, xenSyms });
}

/** A payload's life: the host's output, step by step. */
export interface Life {
  readonly upload: number | null;
  /** The payload's own result of each action. */
  readonly apply: number | null;
  readonly revert: number | null;
  readonly unload: number | null;
  /** Observations before apply, after apply, after revert. */
  readonly seen: readonly string[];
  /** The lines of the console while it was uploaded, applied, reverted. */
  readonly console: { readonly upload: string; readonly apply: string; readonly revert: string };
  /** Message of the panic if the host died. */
  readonly panic: string | null;
}

const NAME = 'patch';

/** Uploads, applies, reverts and unloads a payload, and observes the host in between. Stops at the first failure. */
export async function applyAndRevert(host: QemuTarget, payload: Uint8Array, look?: Look): Promise<Life> {
  const seen: string[] = [];
  const said = { upload: '', apply: '', revert: '' };
  const done: { upload: number | null; apply: number | null; revert: number | null; unload: number | null } = {
    upload: 0,
    apply: null,
    revert: null,
    unload: null,
  };
  const life = async (): Promise<Life> => {
    const panic = await host.panic();
    return { ...done, seen, console: said, panic: panic === null ? null : panic.message };
  };
  const alive = async (): Promise<boolean> => (await host.panic()) === null;
  const listen = async (): Promise<string> => (await host.takeConsole()).join('\n');
  const watch = async (): Promise<void> => {
    if (look !== undefined && (await alive())) seen.push(await look(host));
    if (await alive()) await host.takeConsole();
  };
  const act = async (name: 'apply' | 'revert'): Promise<boolean> => {
    done[name] = rcOf(await host.action(NAME, name));
    said[name] = await listen();
    if (done[name] !== 0 || !(await alive())) return false;
    const got = await host.get(NAME);
    if (got.kind !== 'found') return false;
    done[name] = got.statusRc;
    return got.statusRc === 0 && got.state === (name === 'apply' ? LIVEPATCH_STATE_APPLIED : LIVEPATCH_STATE_CHECKED);
  };
  await watch();
  done.upload = rcOf(await host.upload(NAME, payload));
  said.upload = await listen();
  if (done.upload !== 0 || !(await alive()) || !(await act('apply'))) return life();
  await watch();
  if (!(await alive()) || !(await act('revert'))) return life();
  await watch();
  if (await alive()) done.unload = rcOf(await host.action(NAME, 'unload'));
  return life();
}

/** Checks that a payload lives through all steps on a fresh host, with its stated effect. */
export async function expectLife(
  hosts: QemuHosts,
  payload: Uint8Array,
  { effect, says }: { readonly effect?: Effect | undefined; readonly says?: Says | undefined } = {},
): Promise<void> {
  const host = await hosts.start();
  try {
    const life = await applyAndRevert(host, payload, effect?.look);
    expect(life).toMatchObject({ upload: 0, apply: 0, revert: 0, unload: 0, panic: null });
    expect(life.console.apply).toContain(`${NAME} finished APPLY with rc=0`);
    expect(life.console.revert).toContain(`${NAME} finished REVERT with rc=0`);
    if (says !== undefined) {
      expect(life.console.apply).toMatch(says.apply);
      expect(life.console.revert).toMatch(says.revert);
    }
    if (effect === undefined) return;
    const [before = '', after = '', again = ''] = life.seen;
    expect(before).toMatch(effect.before);
    expect(before).not.toMatch(effect.after);
    expect(after).toMatch(effect.after);
    expect(again).toMatch(effect.before);
    expect(again).not.toMatch(effect.after);
  } finally {
    await host.close();
  }
}
