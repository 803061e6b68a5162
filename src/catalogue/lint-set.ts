import type { Entries } from './entry.ts';

/** Lint: symbols, and payloads that stand beside each other. */
export const LINT_SET = {
  'struct-layout': {
    title: 'the payload and the hypervisor lay out a structure differently',
    severity: 'error',
    what: 'A structure, union or enumeration that a function of the payload can reach has another layout than in the running hypervisor: a member has moved, has another size, or exists on one side only; a constant has another value. The rule compares, by name and bit by bit, the types of all parameters and variables of the payload’s functions, those of the global variables that their code uses, and every type reachable from these through members and pointers.\n\nBoth files need debug data: build Xen and the payload with `-g` (`CONFIG_DEBUG_INFO=y`), give the `xen-syms` of that build, and check the payload before stripping it. Xen packages of distributions have none; then the rule stays silent. It does not see types that only a cast names, nor those that assembly relies on. If two units of the hypervisor each have a structure of that name, the unit of the old function counts.',
    why: 'Objects on the running host keep the layout that they were created with. Code compiled against another layout reads and writes the wrong bytes: a reference count where a pointer is, or past the end of the allocation. Xen only compares build-ids, and a payload can have the right build-id and come from the wrong tree.',
    advice: 'Build the payload from the source, the configuration and with the compiler of the running hypervisor.',
    more: 'If the fix itself needs a new member, keep the structure as it is and store the new data elsewhere (a table by pointer, a global), or ship a new hypervisor instead of a live patch.',
    source:
      '`docs/misc/livepatch.pandoc` of Xen, “Patching data and adding fields to data structures”. Layouts in debug data: DWARF 5, 5.7 (structures, members, bit-fields) and 5.8 (enumerations).',
  },
  'symbol-collision': {
    title: 'a new symbol has the name of one in the hypervisor or another payload',
    severity: 'warning',
    what: 'A symbol that the payload defines, and that is not the new version of a function, has a name that is also in the hypervisor’s table, or in another payload of the set for the same hypervisor.',
    why: 'Xen also enters local symbols and refuses a name that is taken (EEXIST). For cumulative payloads this means that the successor cannot be uploaded while its predecessor is loaded, so `replace` never gets a chance.',
    advice:
      'Strip symbols that nothing needs (`strip --strip-unneeded`) and prefix the others (`objcopy --redefine-sym`).',
    source: 'xen/common/livepatch.c (`build_symbol_table`, `is_payload_symbol`); fec659aa2d (4.7).',
  },
  'unresolved-symbol': {
    title: 'the payload needs a symbol that nothing defines',
    severity: 'error',
    what: 'The payload has undefined symbols that neither the hypervisor nor another payload of the set defines. The rule lists all of them, with similar names.',
    why: 'Xen stops at the first one (`Unknown symbol`, ENOENT), weak symbols included. A name that differs slightly comes from another build, or has another file in front: static functions are `FILE#name`, and since 4.13 the file may include its folder, depending on how Xen was built.',
    advice:
      'Build from the source and the configuration of the hypervisor that runs, and give its own `xen-syms`. A function that was inlined there has no symbol: ship it with the payload.',
    source:
      'xen/common/livepatch_elf.c (`livepatch_elf_resolve_symbols`), xen/common/symbols.c; 81ecb38b83 (4.13), 5b9bb91abb (4.18.0; 4.17.1) for names of files.',
  },
  'ambiguous-symbol': {
    title: 'the payload names a static symbol that the hypervisor has more than once',
    severity: 'warning',
    what: 'The payload names a static symbol, `FILE#name`, that the hypervisor has more than once: two files have the same name, or one file is compiled several times.',
    why: 'Xen takes the first one in its table. The payload may then silently patch or call the function of another file.',
    advice:
      'Give `old_addr` as a number (prelinking does), or build Xen with CONFIG_ENFORCE_UNIQUE_SYMBOLS, which puts folders into file names.',
    source: 'xen/tools/symbols.c; d37d63d4b5 (4.7), ece1d5cda1, 81ecb38b83 (4.13).',
  },
  'links-to-payload': {
    title: 'the payload uses a symbol of another payload that it does not depend on',
    severity: 'warning',
    what: 'The payload uses a symbol that another payload of the set defines, and does not depend on that payload.',
    why: 'Xen links against every loaded payload, even one that is not applied, and nothing stops that one from being reverted and unloaded later. The reference then leads into freed memory.',
    advice: 'Put the build-id of the other payload into `.livepatch.depends`, or ship the code with this payload.',
    source: 'xen/common/livepatch.c (`livepatch_symbols_lookup_by_name`): open in 4.22.',
  },
  'dependency-chain': {
    title: 'the payloads’ dependencies are circular, or do not allow this order',
    severity: 'warning',
    what: 'The payloads do not form a chain: one is given before the payload that it depends on, they depend on each other in a circle, two have the same build-id, or one stands on a payload for another hypervisor. The check reports a missing link as `depends-not-given`.',
    why: 'Xen compares `.livepatch.depends` with the payload applied last and refuses anything else. A set in the wrong order, or with a gap, is applied up to that point and no further: the host ends up with half of its fixes.',
    advice:
      'Give and ship the payloads in the order in which they are applied, and build each against the build-id of the one below it (`readelf -n`).',
    source: 'xen/common/livepatch.c (`build_id_dep`, `prepare_payload`).',
  },
  'replace-hooks': {
    title: 'a payload of a cumulative series has hooks that make Xen refuse REPLACE',
    severity: 'warning',
    what: 'Two payloads of the set depend on the hypervisor itself, so one is meant to replace the other, and one of them has a hook that can veto: `preapply`, `postapply`, `prerevert`, `postrevert`.',
    why: 'Xen refuses REPLACE (EOPNOTSUPP) while the new payload, or any applied one, has such a hook. You then have to revert the old one by hand, and until the new one is applied the host has neither.',
    advice: 'Use `load` and `unload` hooks, or the action hooks `apply` and `revert`, which do not count.',
    source: 'xen/common/livepatch.c (`livepatch_payload_has_vetoing_hooks`); 8313c864fa (4.14).',
  },
} as const satisfies Entries;
