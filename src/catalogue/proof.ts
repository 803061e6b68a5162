import type { Entries } from './entry.ts';

const BUILD_AGAIN = 'Build the payload again from these objects; if it stays, the payload is not this patch.';

/** What keeps a payload from being proved. */
export const PROOF = {
  'proof-code': {
    title: 'the host runs different code than the patched hypervisor',
    severity: 'error',
    what: 'A function of the objects after the patch and what the host runs in its place differ in an instruction.',
    why: 'The fix, or a part of it, does not reach the host.',
    advice: BUILD_AGAIN,
    more: 'A moved `__LINE__` also changes an instruction: the proof cannot tell it from a changed constant.',
  },
  'proof-data': {
    title: 'a constant or an initial value differs on the host',
    severity: 'error',
    what: 'The content of a constant, a text or a variable after the patch is not what the host has, or had when it booted.',
    advice: 'Give changed content a new name, or set it in a hook and check that by hand.',
  },
  'proof-reference': {
    title: 'a reference does not lead to its counterpart',
    severity: 'error',
    what: 'Code or data on the host leads to something else than in the patched hypervisor, or to a place that cannot be told.',
    advice: BUILD_AGAIN,
  },
  'proof-state': {
    title: 'a variable is not paired with the host’s own',
    severity: 'error',
    what: 'A variable that the host has is duplicated, confused with another or of another size, or a new one is not in the payload.',
    why: 'Functions would disagree on the state that they share.',
    advice: BUILD_AGAIN,
  },
  'proof-identity': {
    title: 'the payload has its own copy of an object whose address matters',
    severity: 'error',
    what: 'The payload uses the address of its own copy of a constant or function that the host has, too. State may hold the address of the host’s own.',
    advice:
      'Let the payload refer to the host’s own object, or check by hand that nothing compares or keeps the address.',
  },
  'proof-ambiguous': {
    title: 'two readings are possible',
    severity: 'error',
    what: 'Several variables have the same name, or a place is the end of one object and the start of another.',
    advice: 'Give statics of the same name different names in the patch, or check the payload by hand.',
  },
  'proof-table': {
    title: 'a table that belongs to code differs',
    severity: 'error',
    what: 'Alternatives, the exception table, bug frames or call sites of a function have other entries on the host.',
    advice: BUILD_AGAIN,
  },
  'proof-entry': {
    title: 'a function cannot be replaced as the payload says',
    severity: 'error',
    what: 'An entry of `.livepatch.funcs` names a function that the host does not have, its wrong size, one that is too short or that code branches into, or one that the patch does not have.',
    advice: BUILD_AGAIN,
  },
  'proof-hook': {
    title: 'hooks are not proved',
    severity: 'error',
    what: 'A hook runs code that the patched hypervisor does not run, and may change any state.',
    advice: 'Read the hook, and rehearse the payload: `xsplice rehearse`.',
  },
  'proof-layout': {
    title: 'a structure’s layout differs',
    severity: 'error',
    what: 'The host has objects of the old layout, which the new code reads by the new one. Without debug data of both objects this is a note: layouts were not compared.',
    advice: 'Keep the layout, and compile both objects with `-g`.',
  },
  'proof-before': {
    title: 'the objects before the patch are not those of the hypervisor',
    severity: 'error',
    what: 'Code or data of an object before the patch is not what the image has under its name.',
    advice: 'Give the objects that this `xen-syms` was linked from.',
  },
  'proof-object': {
    title: 'an object cannot be read',
    severity: 'error',
    what: 'The object is not a relocatable ELF object for the hypervisor’s architecture, is damaged, or uses what the proof does not know.',
    advice: 'Give the `.o` files that the compiler wrote.',
  },
  'proof-payload': {
    title: 'the payload cannot be read',
    severity: 'error',
    what: 'The file is not a relocatable ELF object for the hypervisor’s architecture.',
    advice: 'Give the live patch that is to be uploaded.',
  },
  'proof-limit': {
    title: 'the proof is too large',
    severity: 'error',
    what: 'More bytes or pairs were compared than a hypervisor has.',
    advice: 'Give only the objects that the patch changes.',
  },
} as const satisfies Entries;
