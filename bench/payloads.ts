import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The target hypervisor of a payload. */
export interface Host {
  /** Hex digits. */
  readonly buildId: string;
  /** Address and size in bytes of its .text. */
  readonly text: { readonly address: bigint; readonly size: number };
}

/** Returns a build-id note: namesz, descsz, NT_GNU_BUILD_ID, "GNU". Source: facts on `.livepatch.depends`. */
function noteAssembly(section: string, buildId: string): string {
  const bytes = (buildId.match(/../g) ?? []).map((byte) => `0x${byte}`);
  return [
    `.section ${section},"a",@note`,
    '.balign 4',
    `.long 4, ${bytes.length}, 3`,
    '.asciz "GNU"',
    `.byte ${bytes.join(',')}`,
    '',
  ].join('\n');
}

/**
 * `struct livepatch_func` on x86-64, version 2: 104 bytes with two relocations, for the name and the new function. The old
 * function is an absolute address, so that there can be more entries than the hypervisor has names.
 */
const functionAssembly = (index: number, oldAddress: bigint): string =>
  [
    '.section .text.new,"ax"',
    `.type f${index}, @function`,
    `f${index}: movl $${index}, %eax; ret; int3; int3`,
    `.size f${index}, . - f${index}`,
    '.section .rodata.str,"a"',
    `.Lname${index}: .asciz "f${index}"`,
    '.section .livepatch.funcs,"a"; .balign 8',
    `.quad .Lname${index}, f${index}, ${oldAddress}`,
    '.long 6, 16',
    '.byte 2; .zero 71',
    '',
  ].join('\n');

/** Assembles and links a payload like livepatch-build-tools. */
function link(assembly: string, host: Host, folder: string, name: string): { path: string; bytes: Uint8Array } {
  const source = join(folder, `${name}.s`);
  const object = join(folder, `${name}.o`);
  const path = join(folder, `${name}.livepatch`);
  const notes = noteAssembly('.livepatch.depends', host.buildId) + noteAssembly('.livepatch.xen_depends', host.buildId);
  writeFileSync(source, `${assembly}${notes}.section .note.GNU-stack,"",@progbits\n`);
  execFileSync('as', ['-o', object, source]);
  execFileSync('ld', ['-r', '--build-id=sha1', '-o', path, object]);
  return { path, bytes: readFileSync(path) };
}

/** Returns the distance between old functions: `count` of them fit the hypervisor's text, and it is at least old_size. */
const spacing = (host: Host, count: number): number => Math.max(16, Math.floor(host.text.size / (count + 1)) & ~15);

/** Makes a payload that replaces `count` functions. 10 000 give a file just below Xen's limit of 2 MiB. */
export function manyFunctions(host: Host, count: number, folder: string): { path: string; bytes: Uint8Array } {
  const step = BigInt(spacing(host, count));
  const functions = Array.from({ length: count }, (_, i) => functionAssembly(i, host.text.address + BigInt(i) * step));
  return link(functions.join(''), host, folder, `functions-${count}`);
}

/**
 * Makes a payload with `count` relocations, R_X86_64_64 and R_X86_64_PC32 in turn, of 24 bytes each. With 200 000 the file
 * exceeds Xen's 2 MiB limit: it measures the stage, not the upload.
 */
export function manyRelocations(host: Host, count: number, folder: string): { path: string; bytes: Uint8Array } {
  const pairs = [
    '.section .data.targets,"aw"',
    'target: .zero 4096',
    '.section .data.relocated,"aw"',
    `.rept ${Math.floor(count / 2)}`,
    '.quad target + 8',
    '.long target - .',
    '.long 0',
    '.endr',
    '',
  ].join('\n');
  const one = functionAssembly(0, host.text.address);
  return link(`${one}${pairs}`, host, folder, `relocations-${count}`);
}
