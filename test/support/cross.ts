import { withTool } from './gcc.ts';

/** The architectures that are built for with a cross compiler. */
export type CrossArch = 'arm64' | 'arm32';

/** These, and the one that the host is mostly of. */
export type LinkArch = CrossArch | 'x86_64';

/** What the names of the binutils of an architecture begin with. */
export const PREFIXES: Readonly<Record<LinkArch, string>> = {
  x86_64: 'x86_64-linux-gnu-',
  arm64: 'aarch64-linux-gnu-',
  arm32: 'arm-linux-gnueabihf-',
};

/** An object file from assembly. */
export const crossAssemble = (arch: LinkArch, source: string): Uint8Array =>
  withTool(`${PREFIXES[arch]}as`, ['-o', 'out.o', 'source.s'], { 'source.s': source }, ({ read }) => read('out.o'));

/** One object from several, with a build-id made from its contents. */
export function crossCombine(arch: CrossArch, objects: readonly Uint8Array[]): Uint8Array {
  const files = Object.fromEntries(objects.map((bytes, i) => [`in${i}.o`, bytes]));
  const args = ['-r', '--build-id=sha1', '-o', 'out', ...Object.keys(files)];
  return withTool(`${PREFIXES[arch]}ld`, args, files, ({ read }) => read('out'));
}

export interface Linked {
  /** The bytes of the section that was asked for. */
  readonly bytes: Uint8Array;
  /** What the linker complained of: it links all the same. */
  readonly complaints: string;
}

/**
 * Links an object to fixed addresses.
 *
 * @param addresses of its sections, by name
 * @param symbols what is not defined in it, by name
 */
export function crossLink(
  arch: LinkArch,
  object: Uint8Array,
  addresses: Readonly<Record<string, bigint>>,
  symbols: Readonly<Record<string, bigint>>,
  section: string,
): Linked {
  const prefix = PREFIXES[arch];
  const at = (value: bigint): string => `0x${value.toString(16)}`;
  const script = [
    'SECTIONS {',
    ...Object.entries(addresses).map(([name, address]) => `${name} ${at(address)} : { *(${name}) }`),
    '/DISCARD/ : { *(.ARM.attributes) }',
    '}',
  ].join('\n');
  const definitions = Object.entries(symbols).map(([name, value]) => `--defsym=${name}=${at(value)}`);
  const steps = [
    // Without --verbose only ten overflows are told of.
    `${prefix}ld --verbose --noinhibit-exec -e 0 -T script @symbols -o linked in.o >messages 2>complaints`,
    `${prefix}objcopy -O binary -j ${section} linked out`,
  ].join(' ; ');
  const files = { 'in.o': object, script, symbols: definitions.join('\n') };
  return withTool('sh', ['-c', steps], files, ({ read }) => ({
    bytes: read('out'),
    complaints: Buffer.from(read('complaints')).toString('latin1'),
  }));
}

/** What `objdump FLAGS` prints. */
export const crossObjdump = (arch: CrossArch, bytes: Uint8Array, flags: readonly string[]): string =>
  withTool(`${PREFIXES[arch]}objdump`, [...flags, 'in'], { in: bytes }, ({ stdout }) => stdout);

/** What `readelf FLAGS` prints. */
export const crossReadelf = (arch: CrossArch, bytes: Uint8Array, flags: readonly string[]): string =>
  withTool(`${PREFIXES[arch]}readelf`, [...flags, 'in'], { in: bytes }, ({ stdout }) => stdout);
