import type { DocumentFinding, DocumentPlace } from '../documents/index.ts';
import { displayText } from './display-text.ts';
import { uriOf } from './uri.ts';

/**
 * Where a finding is, for SARIF. Numbers there are JSON numbers, which a double rounds: so an address of 64 bits is never a number
 * (`absoluteAddress`), but a name.
 */

/** SARIF's `address`, section 3.32, the members that are used. */
export interface SarifAddress {
  readonly kind?: string;
  readonly name?: string;
  readonly fullyQualifiedName?: string;
  /** Bytes from the start of the parent. */
  readonly offsetFromParent?: number;
  readonly length?: number;
  /** In the run's `addresses`. */
  readonly parentIndex?: number;
}

/** SARIF's `location`, section 3.28, the members that are used. */
export interface SarifLocation {
  readonly physicalLocation: {
    readonly artifactLocation: { readonly uri: string; readonly index?: number };
    readonly region: { readonly startLine: number; readonly startColumn?: number };
    readonly address?: SarifAddress;
  };
  readonly logicalLocations?: readonly {
    readonly name: string;
    readonly fullyQualifiedName: string;
    readonly kind?: string;
  }[];
}

/** Makes locations, and keeps the sections that their addresses count from. */
export class SarifLocations {
  readonly #cwd: string;
  readonly #addresses: SarifAddress[] = [];
  readonly #sections = new Map<string, number>();

  /** `cwd` is a byte string. */
  constructor(cwd: string) {
    this.#cwd = cwd;
  }

  /** The run's `addresses`: the sections. */
  get addresses(): readonly SarifAddress[] {
    return this.#addresses;
  }

  /** Returns the location of a finding on `file`, which is artifact number `artifact` of the run. */
  locate({ where, source, code }: DocumentFinding, file: string, artifact: number): SarifLocation {
    const address = this.#address(where, file, code !== undefined);
    const { symbol } = where;
    const name = symbol === undefined ? undefined : displayText(symbol);
    return {
      physicalLocation: {
        ...(source === undefined
          ? // GitHub shows nothing without a line. Source: SARIF support for code scanning, `region.startLine`.
            { artifactLocation: { uri: uriOf(file, this.#cwd), index: artifact }, region: { startLine: 1 } }
          : {
              artifactLocation: { uri: uriOf(source.file, this.#cwd) },
              region: { startLine: source.line, ...(source.column !== undefined && { startColumn: source.column }) },
            }),
        ...(address !== undefined && { address }),
      },
      ...(name !== undefined &&
        name !== '' && {
          logicalLocations: [{ name, fullyQualifiedName: name, ...(code !== undefined && { kind: 'function' }) }],
        }),
    };
  }

  #address(where: DocumentPlace, file: string, isCode: boolean): SarifAddress | undefined {
    const { section, offset, length, address } = where;
    const size = length === undefined ? {} : { length };
    if (section !== undefined) {
      const parentIndex = this.#section(file, section);
      if (offset === undefined || offset < 0) return { name: displayText(section), kind: 'section', parentIndex };
      const name = `${displayText(section)}+0x${offset.toString(16)}`;
      return {
        name: address ?? name,
        fullyQualifiedName: name,
        kind: isCode ? 'instruction' : 'data',
        offsetFromParent: offset,
        ...size,
        parentIndex,
      };
    }
    return address === undefined ? undefined : { name: address, ...(isCode && { kind: 'instruction' }), ...size };
  }

  #section(file: string, section: string): number {
    const fullyQualifiedName = displayText(`${file}:${section}`);
    const known = this.#sections.get(fullyQualifiedName);
    if (known !== undefined) return known;
    this.#sections.set(fullyQualifiedName, this.#addresses.length);
    return this.#addresses.push({ kind: 'section', name: displayText(section), fullyQualifiedName }) - 1;
  }
}
