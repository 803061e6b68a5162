import { fromLatin1, roundUp } from '../../base/index.ts';

/** A file or folder in an initramfs. */
export interface ArchiveEntry {
  /** Relative, without a leading `/`. */
  readonly name: string;
  /** File type and permissions, as in `st_mode`. */
  readonly mode: number;
  readonly data: Uint8Array;
}

export const MODE_FOLDER = 0o40755;
export const MODE_FILE = 0o100644;
export const MODE_PROGRAM = 0o100755;

/** Name of the entry that ends an archive. */
const TRAILER = 'TRAILER!!!';

/**
 * Writes a `newc` archive, the format of an initramfs. Each entry has a magic, thirteen fields of eight hex digits, the name with
 * its NUL, and the contents; name and contents are padded to four bytes. The same entries give the same bytes.
 * Source: Documentation/driver-api/early-userspace/buffer-format.rst of Linux.
 */
export function newcArchive(entries: readonly ArchiveEntry[]): Uint8Array {
  const pieces: Uint8Array[] = [];
  [...entries, { name: TRAILER, mode: 0, data: new Uint8Array() }].forEach(({ name, mode, data }, index) => {
    const inode = index + 1;
    // ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
    const fields = [inode, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length + 1, 0];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`;
    pieces.push(padded(fromLatin1(header)), padded(data));
  });
  const archive = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    archive.set(piece, at);
    at += piece.length;
  }
  return archive;
}

function padded(bytes: Uint8Array): Uint8Array {
  const result = new Uint8Array(roundUp(bytes.length, 4));
  result.set(bytes);
  return result;
}
