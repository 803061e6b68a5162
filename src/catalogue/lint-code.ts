import type { Entries } from './entry.ts';

/** Lint: the code that is patched, and the code that replaces it. */
export const LINT_CODE = {
  'init-reference': {
    title: 'the payload refers to init code or data, which Xen frees after boot',
    severity: 'error',
    what: 'The payload patches a function or names a symbol in the hypervisor’s init memory: `__init` code, `__initdata`, and on 4.16.0 to 4.17.4 and 4.18.0 to 4.18.2 pointers marked `__alt_call_maybe_initdata`.',
    why: 'The symbol table keeps these names, but Xen frees the memory after boot. The loader resolves them without complaint. Using the address then faults, or reads and writes memory that has a new owner. An alternative call through such a pointer faults at upload already.\n\nIf the replaced function has the same reference, there is no finding: on a booted host that code is unreachable (`if ( system_state < SYS_STATE_active )`), or only the address matters (`_sinittext`). A reference that the new version adds is an error, and so is the pointer of an alternative call, because Xen reads it at upload.',
    advice:
      'Do not patch code that only runs at boot. If the new code needs an init variable, change the fix so that it uses a resident copy.',
    source:
      'xen/arch/x86/setup.c (`init_done`); f26bb28594 and af4cd0a6a6 (4.19.0; 4.17.5, 4.18.3) for pointers of alternative calls.',
  },
  'trampoline-too-long': {
    title: 'the old function is too short for the trampoline, whatever old_size says',
    severity: 'error',
    what: 'From the start of the old function to the next symbol there is less room than the jump needs: 5 bytes on x86, 9 behind an ENDBR64. `old_size` claims more.',
    why: 'Xen checks the jump against `old_size`, which the payload itself supplies. If that is wrong, the jump overwrites the start of the next function, which then executes the tail of a displacement.',
    advice:
      'Correct `old_size`: `nm -S xen-syms` shows the size. A function that really is this small cannot be patched: patch its callers.',
    source:
      'xen/arch/x86/livepatch.c (`arch_livepatch_verify_func`); 6974c75180 (4.17.0; 4.14.5, 4.15.3, 4.16.1) for ENDBR64.',
  },
  'branch-into-patch': {
    title: 'code jumps into the middle of the bytes that applying overwrites',
    severity: 'error',
    what: 'Code jumps or calls into the middle of the bytes that applying overwrites: from another function of the hypervisor, from the rest of a function whose start becomes NOPs, or from the payload.',
    why: 'The first five bytes become one jump. Code that enters at byte 3 executes the tail of its displacement, which can be any instruction. Hand-written assembly with several entry points does this, and so do functions that the compiler split or merged.',
    advice: 'Also patch the functions that jump there, so that they reach the new code, or patch another function.',
    source:
      'Intel SDM volume 2 for the forms of branches. Xen does not look for them. Branches through tables and registers are not seen.',
  },
  'branch-inside-function': {
    title: 'the old function itself jumps back into the bytes that the trampoline overwrites',
    severity: 'warning',
    what: 'The old function has a loop back into its first bytes, which the trampoline overwrites.',
    why: 'Once the function is patched, nothing enters the old code, so the loop is dead. But a CPU that is in the function while Xen patches it jumps back into the middle of the trampoline. Xen patches while all CPUs wait in the idle loop, so this matters for functions on that path and for functions in which a vCPU can sleep.',
    advice:
      'Check that the function is not on the patching path (`patching-path`) and that no vCPU sleeps in it, then switch this rule off for the payload.',
    source:
      'xen/common/livepatch.c (`check_for_livepatch_work`); ca4cd36682 (4.13.0; 4.11.3, 4.12.2) for sleeping vCPUs.',
  },
  'nop-range': {
    title: 'the NOPs split an instruction, or the function falls through into the next one',
    severity: 'error',
    what: 'An entry whose `new_addr` is 0 fills the start of a function with NOPs, and `new_size` is wrong: the NOPs end inside an instruction, run past the end of the function, leave no return behind them, or all fall within the ENDBR64 that Xen keeps.',
    why: 'Xen only checks that `new_size` is at most `old_size` and 31. The tail of an instruction decodes as another instruction. Without the `ret`, execution runs on into whatever follows.',
    advice:
      'Set `new_size` so that the NOPs end at an instruction boundary and leave the `ret` of the function; the message gives the two nearest boundaries.',
    source:
      'xen/arch/x86/livepatch.c (`arch_livepatch_verify_func`, `livepatch_insn_len`); 67af3e52f4 (4.8) and 8a87b9a0fb for ENDBR64.',
  },
  overlap: {
    title: 'two patches overlap, and a revert leaves a trampoline behind',
    severity: 'error',
    what: 'Two entries of one payload overwrite the same bytes, or two payloads of the set overwrite overlapping bytes from different starts.',
    why: 'Xen reverts the entries of a payload in the order in which it applied them. The second entry saved the jump of the first and restores it last: after the revert the function still jumps into the payload, and after unload into freed memory. Two payloads that overlap destroy each other’s jump while both are applied. Two payloads that patch the same start are stacked, which is fine.',
    advice: 'Keep one entry per function; aliases of a function have the same address.',
    source: 'xen/common/livepatch.c (`revert_payload`). Seen on a real Xen 4.17.7.',
  },
  'expectation-alternative': {
    title: 'an expectation covers code that Xen replaces at boot to suit the CPU',
    severity: 'warning',
    what: 'An enabled expectation covers instructions that the hypervisor replaces at boot, depending on a feature of the processor.',
    why: 'Xen compares memory as it is. The bytes of `xen-syms` are there only on processors without the feature: Xen applies the payload on one host and refuses it (EINVAL) on the next.',
    advice:
      'Shorten the expectation so that it ends before the alternative; `xen-syms` lists the alternatives between `__alt_instructions` and `__alt_instructions_end`.',
    source: 'xen/common/livepatch.c (`livepatch_check_expectations`); xen/arch/x86/alternative.c.',
  },
  'endbr-missing': {
    title: 'an indirectly called function lacks ENDBR64 on a host with CET-IBT',
    severity: 'error',
    what: 'A function of the payload is called indirectly and does not start with ENDBR64: a hook, a function that a bug frame runs, or one whose address the payload stores in a table or a register. Checked only if the hypervisor is built with CONFIG_XEN_IBT and the processor (`--cpu`) has CET-IBT.',
    why: 'With CET-IBT every indirect call must land on an ENDBR64. Otherwise the CPU raises a control protection fault, which panics the host: for a load hook, in the middle of `apply`. Xen since 4.17 is built with -mmanual-endbr, so only functions marked `cf_check` start with one.',
    advice: 'Mark the function `cf_check`. Replacement functions need none: only their trampoline jumps to them.',
    source: 'Intel SDM volume 1, chapter 17; Xen’s in-tree test payloads lack it on their hooks.',
  },
  'hook-writes-read-only': {
    title: 'a hook writes memory that is read-only where it runs',
    severity: 'error',
    what: 'A hook, or a function that it calls, stores to a named variable in memory that is read-only while the hook runs: the hypervisor’s `.rodata` (with `__ro_after_init` data), its code, or a section of the payload without the flag `W`.',
    why: '`load` and `unload` hooks run while Xen patches: releases with regime W3 (4.16.4 to 4.16.7, 4.17.1 to 4.17.3, 4.18.0, 4.18.1) make only code writable then, later ones also read-only data. All other hooks, including those that replace apply and revert, run with nothing made writable. The store faults and the host panics.',
    advice:
      'Do the write in a load hook, on a release that makes `.rodata` writable there (`xsplice releases` shows which).',
    more: 'This rule does not see stores through pointers. Rehearse the payload: a rehearsal runs its hooks.',
    source:
      '8676092a0f (W3: 4.18.0; 4.16.4, 4.17.1), b083b1c393 (W4: 4.19.0; 4.17.4, 4.18.2); xen/common/livepatch.c (`apply_payload`, `livepatch_do_action`).',
  },
  'wrong-flags': {
    title: 'code uses the red zone or vector registers, which Xen does not allow',
    severity: 'error',
    what: 'A function of the payload keeps data below the stack pointer (the red zone) or uses vector registers.',
    why: 'Compilers do both by default. In a hypervisor an interrupt uses the same stack and overwrites everything below the stack pointer. The vector registers hold the guest’s values, which Xen saves only on a context switch: the guest then computes with wrong values. Both go unnoticed in a quick test.',
    advice:
      'Compile with the flags of the hypervisor: at least `-mno-red-zone -mno-sse -mno-mmx -mcmodel=kernel`. A payload built in Xen’s tree has them.',
    source: 'xen/arch/x86/arch.mk; System V ABI, AMD64 supplement, 3.2.2 for the red zone.',
  },
  'patching-path': {
    title: 'the payload patches a function that the CPUs run while they patch',
    severity: 'warning',
    what: 'The payload patches a function that patching itself uses: livepatch code, the loop in which the other CPUs wait, the idle loop, the handlers of NMIs and machine checks, `memcpy`.',
    why: 'CPUs are in these functions, or can enter them at any time, while their first bytes change. An NMI between two stores executes half a jump. After a revert a CPU can still be in the new code, and unloading the payload frees it.',
    advice:
      'Patch the functions that these call. If there is no other way, rehearse the payload on a real host (`--on qemu`) and never unload it.',
    source:
      'xen/common/livepatch.c (`check_for_livepatch_work`, `livepatch_do_action`), xen/arch/x86/livepatch.c, xen/arch/x86/domain.c (`idle_loop`).',
  },
  'inlined-copy': {
    title: 'a patched function has copies in code that the payload does not replace',
    severity: 'warning',
    what: 'A function that the payload replaces has more code in the hypervisor than the one place that is patched: the compiler inlined it into functions that the payload does not replace, cloned it (`.part.0`, `.constprop.0`, `.isra.0`), or compiled it in several units from one header. Code that only runs at boot does not count.\n\nThis rule needs debug data in the hypervisor’s `xen-syms` (`CONFIG_DEBUG_INFO=y`). Xen packages of distributions have none; then the rule stays silent.',
    why: 'Xen writes a jump at the start of the old function only. Every other copy keeps the bug that the payload fixes, although the payload counts as applied.',
    advice:
      'Also replace the functions that the message names. If the change does not touch the inlined part, the copies are harmless: use `--rule inlined-copy=off` for this payload.',
    more: '`xsplice build` and `xsplice diff` replace them by themselves, because the object code of those functions changes with the fix.',
    source:
      '`xen/arch/x86/livepatch.c`, `arch_livepatch_apply`: the one place that is written. Copies in debug data: DWARF 5, 3.3.8 (inlined subroutines) and 3.3.8.3 (out-of-line instances).',
  },
  'never-returns': {
    title: 'the payload patches a function that CPUs never leave',
    severity: 'warning',
    what: 'The payload patches a function that CPUs enter once and never leave: the idle loop, the startup of a CPU, the end of one.',
    why: 'A patch takes effect at the next call of the function, and nothing calls this one again. All CPUs stay in the old code: the payload is APPLIED and nothing has changed. A CPU that comes up later enters the new code and never leaves it. A revert does not get it out, and unloading frees the code under it.',
    advice: 'Patch a function that the loop calls.',
    source: 'xen/arch/x86/domain.c (`idle_loop`, `startup_cpu_idle_loop`), xen/arch/x86/smpboot.c (`start_secondary`).',
  },
  'relocation-reach': {
    title: 'a relocation does not reach its target from every place Xen may load it',
    severity: 'error',
    what: 'A relative relocation fits at the address where the simulated host loaded the payload, or Xen does not check it at all, but it does not reach its target from every address at which Xen may load the payload. How far it reaches depends on its type: 32 KiB for TBZ on arm64, 32 MiB for a branch on arm32, 128 MiB for a branch on arm64, 2 GiB for a call on x86-64.\n\nFor a bug frame, whose displacement has 24 bits on x86: an error if it does not reach from the first address that Xen uses for payloads, a note if it reaches from there but not from later ones.',
    why: 'Xen loads payloads wherever VMAP_XEN has room, up to 1 GiB behind the hypervisor. A reference that reaches from the first payload may not reach from the fifth: that upload fails (EOVERFLOW). Xen truncates the displacement of a bug frame silently; the frame then names another message or runs another function.',
    advice: 'Refer to symbols rather than to numbers, and ship the strings of bug frames in the payload.',
    more: 'A note about the function of a bug frame needs no action unless the host holds megabytes of payloads: with an image of the usual size the frame reaches from the first megabytes.',
    source:
      'xen/arch/x86/livepatch.c (`arch_livepatch_perform_rela`), xen/common/vmap.c, xen/arch/x86/include/asm/bug.h.',
  },
} as const satisfies Entries;
