import type { CodeWriter, PayloadSpec, X86Value } from '../../synth/index.ts';
import { hook, hookPayload, say, type WriteCode } from '../../synth/index.ts';
import type { HookKind } from '../../xen/index.ts';
import type { ConformCase, ConformStep } from '../case.ts';

/** Cases whose hooks run: order, results, what they see of their payload, and the state that they set themselves. */

const KINDS: readonly HookKind[] = ['preapply', 'apply', 'postapply', 'prerevert', 'revert', 'postrevert'];

/** Members of `struct payload` that are at the same place in every release since 4.14. Offsets in bytes. */
const STATE: X86Value = { at: 0, size: 4 };
const RC: X86Value = { at: 4, size: 4 };
const REVERTED: X86Value = { at: 8, size: 1 };
const SAFE: X86Value = { at: 9, size: 1 };

/**
 * `mov fstate(%rbx), %rax; movl $applied, 4(%rax)`: the state of the first function, where it is since 82182ad7b4 (4.17.3, 4.18.1, 4.19).
 * Source of the offsets: a real 4.17.7, whose memory was read.
 */
const setState = (code: CodeWriter, applied: number): CodeWriter =>
  code.raw('488b4370').raw(`c74004${applied.toString(16).padStart(2, '0')}000000`);

/** A function that is replaced, so that there is a state to set. */
const patching: PayloadSpec = { code: [{ symbol: 'lp_new_fn', returns: '-HOOKS' }], functions: [{ new: 'lp_new_fn' }] };

/** Prints where it is and the payload's state, runs `more`, and returns. */
const tells = (text: string, result = 0, more: WriteCode = (code) => code): WriteCode =>
  hook((code) => more(say(code, `<0>${text}: state %u rc %d reverted %u\n`, STATE, RC, REVERTED)), result);

const life: readonly ConformStep[] = [{ upload: 'p' }, { apply: 'p' }, { revert: 'p' }, { unload: 'p' }];
const once: readonly ConformStep[] = [{ upload: 'p' }, { apply: 'p' }];
const twice: readonly ConformStep[] = [...life.slice(0, 3), { apply: 'p' }, { revert: 'p' }, { unload: 'p' }];

/** What every kind of hook can read of its payload, without the addresses of the heap. */
const readsMembers: WriteCode = hook((code) => {
  say(code, '<0>state %u rc %d reverted %u safe_to_reapply %u\n', STATE, RC, REVERTED, SAFE);
  for (const [name, at] of [
    ['text', 32],
    ['rw', 48],
    ['ro', 64],
  ] as const) {
    say(code, `<0>${name} %p %zu\n`, { at }, { at: at + 8 });
  }
  return say(code, '<0>pages %u funcs %p\n', { at: 80, size: 4 }, { at: 104 });
});

const results: readonly number[] = [-1, -16, 5, -11];

const vetoes: readonly ConformCase[] = results.flatMap((result): ConformCase[] => [
  {
    name: `hook-preapply-returns-${result}`,
    payloads: {
      p: hookPayload(
        { vetoes: tells('preapply', result), after: tells('postapply') },
        { preapply: ['vetoes'], postapply: ['after'] },
        patching,
      ),
    },
    steps: [...once, { list: { idx: 0, nr: 2 } }, { revert: 'p' }, { unload: 'p' }],
  },
  {
    name: `hook-prerevert-returns-${result}`,
    payloads: {
      p: hookPayload(
        { vetoes: tells('prerevert', result), after: tells('postrevert') },
        { prerevert: ['vetoes'], postrevert: ['after'] },
        patching,
      ),
    },
    steps: [...life, { revert: 'p' }],
  },
  {
    name: `hook-apply-returns-${result}`,
    payloads: {
      p: hookPayload(
        { acts: tells('apply', result), after: tells('postapply') },
        { apply: ['acts'], postapply: ['after'] },
        patching,
      ),
    },
    steps: [...once, { revert: 'p' }, { unload: 'p' }],
  },
  {
    name: `hook-revert-returns-${result}`,
    payloads: {
      p: hookPayload(
        { acts: tells('revert', result), after: tells('postrevert') },
        { revert: ['acts'], postrevert: ['after'] },
        patching,
      ),
    },
    steps: [...life, { revert: 'p' }],
  },
]);

const acts = (name: string, functions: Readonly<Record<string, WriteCode>>, steps: readonly ConformStep[]) => {
  const hooks = Object.fromEntries(Object.keys(functions).map((kind) => [kind, [`h_${kind}`]]));
  const named = Object.fromEntries(Object.entries(functions).map(([kind, write]) => [`h_${kind}`, write]));
  return { name: `hook-${name}`, payloads: { p: hookPayload(named, hooks, patching) }, steps };
};

const sets =
  (applied: number): WriteCode =>
  (code) =>
    setState(code, applied);

const states: readonly ConformCase[] = [
  acts('apply-sets-state', { apply: tells('apply', 0, sets(1)), revert: tells('revert', 0, sets(0)) }, twice),
  // Reverting restores instructions that were never saved: zeroes over the function.
  acts('apply-sets-state-only', { apply: tells('apply', 0, sets(1)) }, life.slice(0, 3)),
  acts('apply-sets-other-state', { apply: tells('apply', 0, sets(2)) }, once),
  acts('apply-sets-nothing', { apply: tells('apply') }, once),
  acts('apply-fails-with-state', { apply: tells('apply', 5, sets(1)) }, once),
  acts('revert-sets-nothing', { revert: tells('revert') }, life.slice(0, 3)),
  acts('revert-fails-with-state', { revert: tells('revert', -22, sets(0)) }, life.slice(0, 3)),
];

/** A revert hook that gives up, and a post-revert hook that does its work after all (exported since 4.17.4, 4.18.1, 4.19). */
const secondTry: PayloadSpec = hookPayload(
  {
    gives_up: tells('revert', -22),
    // pushf; cli; revert_payload(payload); print its result; revert_payload_tail(payload); popf
    tries_again: hook((code) => {
      code.raw('9cfa').move('rdi', 'rbx').call('revert_payload');
      code.move('rsi', 'rax').set('rdi', { text: '<0>revert_payload: %d\n' }).raw('31c0').call('printk');
      code.move('rdi', 'rbx').call('revert_payload_tail').raw('9d');
      return say(code, '<0>then: state %u rc %d reverted %u\n', STATE, RC, REVERTED);
    }),
  },
  { revert: ['gives_up'], postrevert: ['tries_again'] },
  patching,
);

const counts =
  (kind: string): WriteCode =>
  (code) => {
    // incl counter
    code.set('rax', { symbol: 'counter' }).raw('ff00');
    code
      .set('rax', { symbol: 'counter' })
      .raw('8b30')
      .set('rdi', { text: `<0>${kind}: counter %d\n` });
    return code.raw('31c0').call('printk').ret();
  };

export const HOOK_CASES: readonly ConformCase[] = [
  {
    name: 'hook-load-order',
    payloads: {
      p: hookPayload(
        Object.fromEntries(
          ['load_1', 'load_2', 'load_3', 'unload_1', 'unload_2'].map((name): [string, WriteCode] => [
            name,
            (code) => say(code, `<0>${name}\n`).ret(),
          ]),
        ),
        { load: ['load_2', 'load_1', 'load_3'], unload: ['unload_2', 'unload_1', 'unload_2'] },
        patching,
      ),
    },
    steps: twice,
  },
  {
    name: 'hook-load-counter',
    payloads: {
      p: hookPayload(
        { counts_up: counts('load'), counts_more: counts('unload') },
        { load: ['counts_up'], unload: ['counts_more'] },
        {
          ...patching,
          sections: [{ name: '.data', flags: 'AW', hex: '07000000', align: 4, symbols: [{ name: 'counter', at: 0 }] }],
        },
      ),
    },
    steps: [...life.slice(0, 3), { apply: 'p' }, { replace: 'p' }, { revert: 'p' }, { unload: 'p' }],
  },
  {
    name: 'hook-no-functions',
    payloads: {
      p: hookPayload(
        Object.fromEntries(KINDS.map((kind): [string, WriteCode] => [`h_${kind}`, tells(kind)])),
        Object.fromEntries(KINDS.map((kind) => [kind, [`h_${kind}`]])),
      ),
    },
    steps: twice,
  },
  {
    name: 'hook-reads-payload',
    payloads: {
      p: hookPayload(
        { reads: readsMembers },
        Object.fromEntries(KINDS.filter((kind) => !/^(?:apply|revert)$/.test(kind)).map((kind) => [kind, ['reads']])),
        { ...patching, modinfo: 'name=value\0' },
      ),
    },
    steps: twice,
  },
  ...vetoes,
  ...states,
  {
    name: 'hook-revert-second-try',
    payloads: { p: secondTry },
    steps: [...life.slice(0, 3), { apply: 'p' }, { revert: 'p' }, { unload: 'p' }],
  },
  {
    name: 'hook-replace-runs-load-and-unload',
    payloads: Object.fromEntries(
      ['a', 'b'].map((key): [string, PayloadSpec] => [
        key,
        hookPayload(
          Object.fromEntries(
            ['loads', 'unloads'].map((name): [string, WriteCode] => [
              `${key}_${name}`,
              (code) => say(code, `<0>${key} ${name}\n`).ret(),
            ]),
          ),
          { load: [`${key}_loads`], unload: [`${key}_unloads`] },
          { code: [{ symbol: `${key}_fn`, returns: `-${key}` }], functions: [{ new: `${key}_fn` }] },
        ),
      ]),
    ),
    steps: [
      { upload: 'a' },
      { upload: 'b' },
      { apply: 'a' },
      { replace: 'b' },
      { apply: 'a', flags: 1 },
      { revert: 'a' },
      { revert: 'b' },
    ],
  },
  {
    name: 'hook-replace-vetoing',
    payloads: { p: hookPayload({ never: tells('never') }, { postapply: ['never'] }, patching) },
    steps: [{ upload: 'p' }, { replace: 'p' }],
  },
  {
    name: 'hook-in-hypervisor',
    payloads: {
      p: {
        ...patching,
        sections: [
          {
            name: '.livepatch.hooks.load',
            flags: 'A',
            size: 8,
            align: 8,
            fields: [{ at: 0, symbol: 'xen_minor_version' }],
          },
        ],
      },
    },
    steps: life,
  },
];
