import type { Entries } from './entry.ts';

const SAME_BUILD =
  'Give the `xen-syms` and the tree of one build: the objects must be those that the hypervisor was linked from.';

/** What keeps a change from becoming a live patch, and what to know about one that became one. */
export const BUILDER = {
  'object-file': {
    title: 'an object cannot be read',
    severity: 'error',
    what: 'One of the two objects is not a relocatable ELF object of the hypervisor’s architecture, or is damaged.',
    advice: 'Give the `.o` files that the compiler of the hypervisor wrote.',
  },
  'object-removed': {
    title: 'an object is no longer built',
    severity: 'note',
    what: 'The patch removes the object. The host keeps its code, which nothing in the payload calls.',
    advice: 'Check that nothing on the host still needs to call it.',
  },
  'object-foreign': {
    title: 'an object is for another machine than the hypervisor',
    severity: 'note',
    what: 'The folder has an object for another machine, like early boot code, which is skipped.',
    advice: 'Nothing to do: such code does not run on a booted host.',
  },
  'payload-kept': {
    title: 'the refused payload was kept',
    severity: 'note',
    what: 'The payload was linked and then refused. It was written to a file of another name, so that nobody ships it by mistake.',
    advice: 'Look at it with `xsplice inspect` and `xsplice check`, then remove it.',
  },
  'shared-section': {
    title: 'a changed function shares its section with others',
    severity: 'error',
    what: 'The function cannot be taken out of its section alone, because code beside it may rely on its place.',
    advice:
      'Compile with `-ffunction-sections -fdata-sections`, as Xen does with CONFIG_LIVEPATCH. Give a function in assembly its own section, or patch the C functions that call it.',
  },
  'not-in-hypervisor': {
    title: 'the hypervisor does not have something that the object has',
    severity: 'error',
    what: 'The hypervisor does not have the changed function, or a symbol that new code needs.',
    advice: 'Give all objects that the patch changes, and the `xen-syms` that was linked from the originals.',
  },
  'other-build': {
    title: 'the hypervisor and the original object are not from the same build',
    severity: 'error',
    what: 'A function has another size or other code in the hypervisor than in the original object.',
    advice: SAME_BUILD,
  },
  'function-too-short': {
    title: 'a changed function is too short for the jump that patches it',
    severity: 'error',
    what: 'The old function has fewer bytes than the jump: 5 on x86 (9 behind an ENDBR64), 4 on Arm.',
    advice: 'Change the patch so that the callers of the function change instead.',
  },
  'init-freed': {
    title: 'the change needs code or data that Xen freed after boot',
    severity: 'error',
    what: 'New code refers to `__init` code or `__initdata`, or a changed function is itself `__init`. On a running host that memory has a new owner.',
    advice: 'Write the fix without it: code that has run cannot be patched, and init data needs a resident copy.',
  },
  'init-changed': {
    title: 'boot code or data has changed and is left out',
    severity: 'note',
    what: 'The host has run its `__init` code and read its `__initdata`. A change of them has no effect on it, and new ones are not used.',
    advice: 'Check that the fix works without this part of the patch.',
  },
  'unsupported-relocation': {
    title: 'new code needs a relocation that Xen does not apply',
    severity: 'error',
    what: 'The code was compiled with flags that Xen is not built with, such as position-independent code.',
    advice: 'Compile with the flags that the hypervisor was compiled with.',
  },
  'branch-to-neighbour': {
    title: 'code branches to its neighbour in the section without a relocation',
    severity: 'error',
    what: 'The assembler resolved the branch itself. In the payload something else is beside the code.',
    advice: 'Put the code that it continues in into a section of its own.',
  },
  'branch-out-of-reach': {
    title: 'a branch of the payload does not reach the hypervisor',
    severity: 'error',
    what: 'A conditional branch leaves its function for code of the hypervisor, which is too far from where payloads are loaded. Only assembly has such branches.',
    advice: 'Let the conditional branch target an unconditional one next to it.',
  },
  'unnamed-variable': {
    title: 'new code uses an unnamed variable',
    severity: 'error',
    what: 'The hypervisor has the variable but no symbol for it, so it cannot be found on the host.',
    advice: 'Give the variable a name in the source.',
  },
  'ambiguous-place': {
    title: 'the object has one place for two variables, which the host has apart',
    severity: 'error',
    what: 'A relocation counts from a section, and what it leads to may be the end of one variable as well as the start of the next, or code counts from one variable to another. In the object both are one place; on the host, one of them is somewhere else.',
    advice:
      'Compile with -fdata-sections. Where that is done, give one of the variables a section of its own in the source, or make it global: then relocations name it.',
  },
  'labels-in-variable': {
    title: 'a variable holds addresses inside a function that changes',
    severity: 'error',
    what: 'Addresses of labels in a variable lead into the old code of the function on the host: a jump through them would never run the new code.',
    advice: 'Make the table of labels const: then it goes into the payload with its function.',
  },
  'stray-fixup': {
    title: 'a function continues in fix-up code that none of its table entries names',
    severity: 'error',
    what: 'Fix-up code belongs to a function through an exception table entry. No entry names this fix-up code.',
    advice: 'Change the assembly so that the fix-up has an entry, or put the code into the function.',
  },
  'not-loaded': {
    title: 'new code refers to a section that is not loaded',
    severity: 'error',
    what: 'The section has no flag `A`: a payload cannot refer to it.',
    advice: 'Mark the section as allocated where it is defined, or drop the reference.',
  },
  'percpu-variable': {
    title: 'a per-CPU variable is new or has another size',
    severity: 'error',
    what: 'The per-CPU areas were laid out at boot, and the host has no room for it.',
    advice: 'Use an array with one element per CPU, new in the patch: it becomes part of the payload.',
  },
  'variable-size': {
    title: 'a variable has another size',
    severity: 'error',
    what: 'The host has the variable in its old size.',
    advice: 'Put the new data into a variable of its own; a hook can fill it from the old one.',
  },
  'static-ambiguous': {
    title: 'static variables with the same name cannot be told apart',
    severity: 'error',
    what: 'Several functions or blocks have a static variable of this name, and scope, type, line and code do not show which one after the patch is which one before it. One that is known keeps its value on the host, one that is new starts with its initial value.',
    advice: 'Say which is which with `--static`, for each variable after the patch.',
  },
  'static-unknown': {
    title: '--static names a variable that no object has',
    severity: 'error',
    what: 'No object has a static variable of that name after the patch, or before it.',
    advice: 'Remove the option, or use the names that the refusal without it lists.',
  },
  'move-ambiguous': {
    title: 'a static function or variable may have moved to another file, or be new',
    severity: 'error',
    what: 'The patch removes a static function or variable of this name from one file and adds one to another. If it moved, the host has it, with its value and its callers; if it is new, the payload brings its own.',
    advice: 'Give the new one a name that no other file had, or keep the old one in its file.',
  },
  'already-in-hypervisor': {
    title: 'a new global function or variable has the name of one in the hypervisor',
    severity: 'error',
    what: 'Code on the host would keep to the old one, and only the payload would use the new one.',
    advice: 'Include all objects that the patch changes, above all the one that had it before.',
  },
  'alias-split': {
    title: 'aliases of one function lead to different code after the patch',
    severity: 'error',
    what: 'The names have one address on the host. A jump there changes what all of them do.',
    advice: 'Keep the names aliases of each other, or give the callers that need other code a new function.',
  },
  'set-at-boot': {
    title: 'only boot code sets a new variable',
    severity: 'error',
    what: 'The payload brings the variable with its initial value. The `__init` code that sets it is not in the payload, and does not run on a host that is up.',
    advice:
      'Set the variable in an apply hook (LIVEPATCH_APPLY_HOOK of xen/livepatch_payload.h), or where it is read for the first time.',
  },
  'runs-at-boot': {
    title: 'only boot code refers to a changed function',
    severity: 'warning',
    what: 'The function has run on the host. The new version takes effect only when it runs again, for instance for a CPU that comes up later.',
    advice: 'If what it did has to be done again, call it from an apply hook.',
  },
  'weak-overridden': {
    title: 'a weak function is not the one that the hypervisor uses',
    severity: 'note',
    what: 'Another object has a strong definition of the same name. The change of the weak one has no effect, and is left out.',
    advice: 'None needed.',
  },
  'linker-table-entry': {
    title: 'the host does not see a new entry of a linker table',
    severity: 'warning',
    what: 'The table was laid out when the hypervisor was linked. The host will not see the entry.',
    advice: 'Register it in an apply hook, if the table has a way to do that at run time.',
  },
  'initial-value': {
    title: 'the initial value of a variable has changed',
    severity: 'error',
    what: 'The variable keeps the value that it has on the host.',
    advice:
      'Write the new value in an apply hook (LIVEPATCH_APPLY_HOOK of xen/livepatch_payload.h) and the old one back in a revert hook.',
  },
  'shared-constant': {
    title: 'a constant that other files can read has changed',
    severity: 'error',
    what: 'Only functions in the payload would see the new content.',
    advice: 'Give the new content a name of its own, and change the functions that read it.',
  },
  'layout-changed': {
    title: 'the patch changes the layout of a structure',
    severity: 'error',
    what: 'Functions in the payload can reach objects of the structure, and the host has objects of the old layout.',
    advice:
      'Keep the structure, and put new members into a shadow variable: a table indexed by the address of the object, which a hook fills.',
    more: 'If no object of the old layout can ever be met, `--allow-layout NAME` accepts the change.',
  },
  'layout-unchecked': {
    title: 'structures were not compared: there is no debug data',
    severity: 'note',
    what: 'Without debug data of both objects, a changed structure layout goes unnoticed.',
    advice: 'Compile both objects with `-g`, or check by hand that no structure changes.',
  },
  'variable-new': {
    title: 'a variable is new',
    severity: 'note',
    what: 'The variable gets its initial value when the payload is loaded, and disappears when the payload is unloaded.',
    advice: 'Check that a revert and a new upload may reset it.',
  },
  'variable-removed': {
    title: 'a variable is gone from the source',
    severity: 'note',
    what: 'The host keeps the variable, and no patched function uses it any more.',
    advice: 'Check that functions that are not patched agree.',
  },
  'compile-failed': {
    title: 'an object does not compile',
    severity: 'error',
    what: 'The compiler of the tree’s build rejects the file before or after the patch.',
    advice: 'Fix the error that the compiler reports, and check that the tree builds without the patch.',
  },
  'objects-left-out': {
    title: 'some objects were not compiled',
    severity: 'note',
    what: 'Too many objects failed, so the others were not tried.',
    advice: 'Fix the errors above first.',
  },
  'other-compiler': {
    title: 'the objects were built with a different compiler than the hypervisor',
    severity: 'error',
    what: 'The compiler that the tree’s commands run now is not the one that `xen-syms` was built with.',
    advice: 'Compile with the very compiler that the hypervisor was built with.',
  },
  'sections-shared': {
    title: 'the tree is not compiled with a section per function',
    severity: 'note',
    what: 'The tree is compiled without `-ffunction-sections -fdata-sections`. They are added for the objects that are compared.',
    advice: 'Build Xen with CONFIG_LIVEPATCH=y, which sets these flags.',
  },
  'object-list': {
    title: 'the patch changes more of a Makefile than its list of objects',
    severity: 'error',
    what: 'A live patch can add and remove source files, but cannot change flags or rules.',
    advice: 'Leave the other lines of this hunk out.',
  },
  'object-listed': {
    title: 'the patch changes the list of objects of a Makefile',
    severity: 'note',
    what: 'The objects that a Makefile adds are compiled, and those that it drops are left out.',
    advice: 'Nothing to do if that is what the patch is for.',
  },
  'command-unknown': {
    title: 'an object cannot be compiled again',
    severity: 'error',
    what: 'The build’s own command for the object cannot be repeated.',
    advice: 'Build the tree with the plain compiler, without wrappers that hide the command.',
  },
  'build-input': {
    title: 'the patch changes a file on which more than compiled code depends',
    severity: 'error',
    what: 'The file is part of the build itself: its configuration, a rule, a linker script, or a text from which other files are made.',
    advice: 'Leave that file out of the patch, or ship a new hypervisor.',
  },
  'file-left-out': {
    title: 'a changed file is left out',
    severity: 'note',
    what: 'No object of this hypervisor depends on the file, or only its comments change.',
    advice: 'Check that the configuration of the tree is that of the host if the file should matter.',
  },
  'generated-text': {
    title: 'a generated file cannot be made again, or changes',
    severity: 'error',
    what: 'The build makes the file from one that the patch changes, and more than compiled objects depends on it.',
    advice: 'Change the patch so that the generated file stays as it is, or ship a new hypervisor.',
  },
  'tree-unlike-xen': {
    title: 'the tree and the hypervisor match, but are different builds',
    severity: 'note',
    what: 'The tree was built here, and its `xen-syms` is not the one that was given.',
    advice: 'Use the tree in which the hypervisor was built, if it still exists.',
  },
  'xen-not-given': {
    title: 'the payload is for the hypervisor that was built here',
    severity: 'note',
    what: 'The tree had no hypervisor and none was given, so the payload depends on the build-id of one that runs nowhere yet.',
    advice: 'Give the `xen-syms` that runs with `--xen`.',
  },
  'no-debug-file': {
    title: 'there is no file with debug information',
    severity: 'note',
    what: 'The objects have no debug information, or it cannot be linked. The payload itself is not affected.',
    advice: 'Compile the tree with `-g` (CONFIG_DEBUG_INFO=y).',
  },
  'rehearsal-fails': {
    title: 'the new payload fails its rehearsal',
    severity: 'error',
    what: 'The payload was uploaded, applied, reverted and unloaded on a simulated host, and one step failed.',
    advice: 'Rehearse the payload yourself to see every step: `xsplice rehearse FILE --xen xen-syms`.',
  },
} as const satisfies Entries;
