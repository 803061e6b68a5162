import type { Entries } from './entry.ts';

const FROM_GIT = 'Take the patch from git, or from the archive of the mailing list.';
const REBASE = 'Rebase the patch onto the version in the tree.';

/** What is wrong with source patches, or keeps them from applying. */
export const PATCHES = {
  'patch-too-large': {
    title: 'the patch is too large',
    severity: 'error',
    what: 'The file has too many bytes, lines, mails or parts, or its hunks are so far from where they say that applying them takes too long.',
    advice: 'Split the patch, or regenerate it against the tree.',
  },
  'no-patch': {
    title: 'the file has no patch in it',
    severity: 'error',
    what: 'The file, or one of its mails, has no unified diff as plain text.',
    advice: 'Give a unified diff, as `git diff`, `git format-patch` or `diff -u` write it.',
  },
  'patch-damaged': {
    title: 'the patch is damaged',
    severity: 'error',
    what: 'A header or hunk of the patch does not parse: lines are missing, wrapped or altered.',
    advice: FROM_GIT,
  },
  'format-flowed': {
    title: 'the mail was sent as format=flowed',
    severity: 'error',
    what: 'A mail with format=flowed does not keep the white space of a patch.',
    advice: FROM_GIT,
    source: 'RFC 3676, section 4.4.',
  },
  'patch-binary': {
    title: 'the patch changes a binary file',
    severity: 'error',
    what: 'The patch changes a binary file, which cannot become part of a live patch.',
    advice: 'Leave the binary file out of the patch.',
  },
  'combined-diff': {
    title: 'the patch is the combined diff of a merge',
    severity: 'error',
    what: 'A combined diff (`@@@`) compares with several parents and does not apply to one tree.',
    advice: 'Make a diff against one parent: `git diff PARENT MERGE`.',
  },
  'patch-special-file': {
    title: 'the patch changes a symbolic link or a submodule',
    severity: 'error',
    what: 'The patch changes something other than a regular file.',
    advice: 'Leave that change out of the patch.',
  },
  'patch-path': {
    title: 'the patch names a path outside of the tree',
    severity: 'error',
    what: 'A path is absolute, contains `..`, or is otherwise not a path inside the source tree.',
    advice: 'Make the patch with `git diff`, from the top of the tree.',
  },
  'several-attachments': {
    title: 'a mail has several patches attached, in no known order',
    severity: 'error',
    what: 'The mail does not say in which order its attachments apply, or whether all of them are meant.',
    advice: 'Save the patches that are meant as files, and give those.',
  },
  'missing-patch': {
    title: 'a patch of the series is missing',
    severity: 'error',
    what: 'The numbers in the subjects show that the mailbox does not have the whole series.',
    advice: 'Save the whole thread, or give the patches one by one.',
  },
  'duplicate-patch': {
    title: 'two different patches have the same place in the series',
    severity: 'error',
    what: 'Two mails have the same number, and their patches differ.',
    advice: 'Remove the one that is not meant.',
  },
  'mixed-series': {
    title: 'the mailbox mixes several series or versions',
    severity: 'error',
    what: 'The subjects show different versions or totals, or a reply holds a patch too.',
    advice: 'Keep only the mails of the series that is meant.',
  },
  'patch-no-file': {
    title: 'the tree does not have a file that the patch changes',
    severity: 'error',
    what: 'The patch changes, renames or removes a file that is not there.',
    advice: 'Check that it is the right tree. Paths lose their first folder, as with `patch -p1`.',
  },
  'patch-file-exists': {
    title: 'the patch creates a file that the tree already has',
    severity: 'error',
    what: 'The patch creates, copies or renames a file to a path that exists.',
    advice: 'Leave the patch out if the tree already has it; otherwise rebase it.',
  },
  'patch-not-empty': {
    title: 'the patch removes a file that has more lines than it says',
    severity: 'error',
    what: 'The file has lines that the patch does not remove.',
    advice: REBASE,
  },
  'patch-no-context': {
    title: 'a hunk adds lines without any context',
    severity: 'error',
    what: 'The hunk has no line that says where its lines go.',
    advice: 'Make the patch with context: `diff -U3`.',
  },
  'patch-mismatch': {
    title: 'a hunk does not match the file',
    severity: 'error',
    what: 'A line of the hunk is not in the file where it should be. Patches are applied without fuzz: every line must match.',
    advice: REBASE,
  },
  'patch-ambiguous': {
    title: 'a hunk matches several places of the file',
    severity: 'error',
    what: 'The lines of the hunk are at several places, none of which is the line that the hunk names.',
    advice: 'Make the patch against this version of the file, or with more context.',
  },
  'patch-outside': {
    title: 'the patch also changes files outside of the hypervisor',
    severity: 'note',
    what: 'The file is not below `xen/`: tools or documents. The hypervisor is not built from it, so the change is left out.',
    advice: 'Nothing to do for the hypervisor; ship the tools as usual.',
  },
  'patch-offset': {
    title: 'a hunk applied at another line than it says',
    severity: 'note',
    what: 'The hunk matches only one place, and that is some lines further up or down.',
    advice: 'Check that it is the right place if the tree differs much from the one that the patch was made for.',
  },
  'patch-encoding': {
    title: 'the patch was converted to the encoding of the file',
    severity: 'note',
    what: 'The patch and the file use different encodings (UTF-8, Latin-1). It matches after conversion.',
    advice: 'Nothing to do; a patch from git would not need it.',
  },
  'patch-mode': {
    title: 'the mode of a file is not changed',
    severity: 'note',
    what: 'The patch changes the mode of a file, which does not matter for compiling it.',
    advice: 'Nothing to do.',
  },
} as const satisfies Entries;
