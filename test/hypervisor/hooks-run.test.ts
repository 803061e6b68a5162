import { afterEach, describe, expect, it } from 'vitest';
import { hook, hookPayload, say, type WriteCode } from '../../src/synth/hook-payload.ts';
import { RELEASES } from '../../src/xen/index.ts';
import { CodeHost } from './code-support.ts';

let host: CodeHost;
const boot = (options = {}): CodeHost => {
  host = new CodeHost(options);
  return host;
};
afterEach(() => host.target.close());

/** `movabs $symbol, %rax; movb $1, (%rax)` of a symbol of the payload or the hypervisor. */
const writesTo =
  (symbol: string): WriteCode =>
  (code) =>
    code.set('rax', { symbol }).raw('c60001').ret();

const LOADS = { load: ['h'] } as const;

/** A payload whose load hook writes to its own read-only data. */
const writesOwnRodata = hookPayload({ h: writesTo('.rodata.own') }, LOADS, {
  sections: [{ name: '.rodata.own', flags: 'A', hex: '00'.repeat(8) }],
});

describe('memory that a load hook may write', () => {
  // Facts, section 6.1: W3 makes only Xen's text writable, and nothing of the payload itself; W4 makes read-only data writable, too.
  it.each([
    ['4.15.7', 'W2', 'nothing'],
    ['4.17.2', 'W3', 'FATAL PAGE FAULT'],
    ['4.18.1', 'W3', 'FATAL PAGE FAULT'],
    ['4.17.7', 'W4', 'nothing'],
    ['4.20.1', 'W4', 'nothing'],
  ])('in %s (%s), its own read-only data: %s', (release, regime, outcome) => {
    boot({ release });
    expect(host.target.hypervisor.release.permissions).toBe(regime);
    expect(host.upload('p', writesOwnRodata)).toBe(0);
    host.apply('p');
    expect(host.panic?.message ?? 'nothing').toBe(outcome);
    if (host.panic !== null) expect(host.panic.errorCode).toBe(3);
  });

  it.each([
    ['4.16.3', 'nothing'],
    ['4.17.2', 'nothing'],
    ['4.17.7', 'nothing'],
  ])('in %s, the hypervisor’s text: %s', (release, outcome) => {
    boot({ release });
    // Nothing calls xen_changeset here.
    expect(host.upload('p', hookPayload({ h: writesTo('xen_changeset') }, LOADS))).toBe(0);
    host.apply('p');
    expect(host.panic?.message ?? 'nothing').toBe(outcome);
    expect(host.target.hypervisor.machine.space.readU8(host.symbol('xen_changeset'))).toBe(1);
  });

  it('outside the window, neither', () => {
    boot();
    host.upload('p', hookPayload({ h: hook(writesTo('xen_changeset')) }, { preapply: ['h'] }));
    expect(host.apply('p')).toBeNull();
    expect(host.panic).toMatchObject({
      message: 'FATAL PAGE FAULT',
      errorCode: 3,
      address: host.symbol('xen_changeset'),
    });
  });
});

describe('clearing CR0.WP', () => {
  // mov %cr0, %rcx; btr $16, %rcx; mov %rcx, %cr0 … bts $16, %rcx; mov %rcx, %cr0; ret
  const unprotected: WriteCode = (code) =>
    code
      .raw('0f20c1 480fbaf110 0f22c1'.replaceAll(' ', ''))
      .set('rax', { symbol: 'xen_changeset' })
      .raw('c60001')
      .raw('480fbae910 0f22c1'.replaceAll(' ', ''))
      .set('rax', 0)
      .ret();

  it('lets code write despite the page tables until it is set again', () => {
    boot();
    host.upload('p', hookPayload({ h: unprotected }, { preapply: ['h'] }));
    expect(host.apply('p')).toBe(0);
    expect(host.panic).toBeNull();
    const { space } = host.target.hypervisor.machine;
    expect(space.readU8(host.symbol('xen_changeset'))).toBe(1);
    expect(space.writeProtect).toBe(true);
  });
});

describe('a host that tracks indirect branches', () => {
  const greets: WriteCode = (code) => say(code, '<0>hello\n').set('rax', 0).ret();
  const withEndbr: WriteCode = (code) => greets(code.raw('f30f1efa'));

  it.each(['load', 'preapply', 'postapply'] as const)('dies of a %s hook without ENDBR64', (kind) => {
    boot({ cpu: 'intel-sapphire-rapids' });
    host.upload('p', hookPayload({ h: greets }, { [kind]: ['h'] }));
    host.apply('p');
    expect(host.panic?.message).toBe('CONTROL-FLOW PROTECTION FAULT: #CP[0003] endbranch');
  });

  it('calls a hook that starts with ENDBR64', () => {
    boot({ cpu: 'intel-sapphire-rapids' });
    host.upload('p', hookPayload({ h: withEndbr }, LOADS));
    expect(host.apply('p')).toBe(0);
    expect(host.lines()).toContain('hello');
  });
});

describe('a payload whose region is registered at apply', () => {
  // L48: until a57b4074ab neither the bug frames nor the symbols of a pre-apply hook are found.
  it.each([
    ['4.17.3', 'FATAL TRAP: vector = 6 (invalid opcode)'],
    ['4.17.4', 'nothing'],
    ['4.18.0', 'FATAL TRAP: vector = 6 (invalid opcode)'],
    ['4.18.1', 'nothing'],
  ])('in %s a warning in its pre-apply hook ends with: %s', (release, outcome) => {
    boot({ release });
    const frame = {
      name: '.bug_frames.1',
      flags: 'A',
      size: 8,
      align: 4,
      fields: [
        { at: 0, symbol: 'h', type: 2 },
        { at: 4, symbol: '.rodata.file', addend: 4, type: 2 },
      ],
    } as const;
    const file = { name: '.rodata.file', flags: 'A', hex: Buffer.from('hook.c\0').toString('hex') } as const;
    const warns: WriteCode = (code) => code.raw('0f0b').set('rax', 0).ret();
    expect(host.upload('p', hookPayload({ h: warns }, { preapply: ['h'] }, { sections: [frame, file] }))).toBe(0);
    host.apply('p');
    expect(host.panic?.message ?? 'nothing').toBe(outcome);
    expect(host.lines().some((line) => line.startsWith('Xen WARN at hook.c:'))).toBe(outcome === 'nothing');
  });
});

describe('every release with hooks', () => {
  const releases = RELEASES.filter(({ actionHooks }) => actionHooks).map(({ version }) => version);

  it.each(releases)('%s: calls all kinds in order, with the current state in struct payload', (release) => {
    boot({ release });
    const tells = (name: string): WriteCode =>
      hook((code) => say(code, `<0>${name} state %u rc %d\n`, { at: 0, size: 4 }, { at: 4, size: 4 }));
    const plain =
      (name: string): WriteCode =>
      (code) =>
        say(code.push('rbx'), `<0>${name}\n`).pop('rbx').ret();
    const kinds = ['preapply', 'postapply', 'prerevert', 'postrevert'] as const;
    const functions = Object.fromEntries(kinds.map((kind) => [`at_${kind}`, tells(kind)]));
    const spec = hookPayload(
      { ...functions, at_load: plain('load'), at_unload: plain('unload') },
      { ...Object.fromEntries(kinds.map((kind) => [kind, [`at_${kind}`]])), load: ['at_load'], unload: ['at_unload'] },
    );
    expect(host.upload('p', spec)).toBe(0);
    expect(host.apply('p')).toBe(0);
    expect(host.revert('p')).toBe(0);
    expect(host.panic).toBeNull();
    expect(host.lines().filter((line) => !line.startsWith('livepatch: '))).toEqual([
      'preapply state 1 rc 0',
      'load',
      'postapply state 2 rc 0',
      'prerevert state 2 rc 0',
      'unload',
      'postrevert state 1 rc 0',
    ]);
  });
});
