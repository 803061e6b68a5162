import type {
  BuildDocument,
  CheckMatrix,
  CheckReport,
  ConformReport,
  DiffDocument,
  HostReport,
  InspectReport,
  ProofDocument,
  RehearsalReport,
  ScenarioReport,
} from '../documents/index.ts';
import { displayText } from './display-text.ts';

/** Any of the documents that xsplice prints. */
export type ReportDocument =
  | RehearsalReport
  | CheckReport
  | CheckMatrix
  | InspectReport
  | ConformReport
  | ScenarioReport
  | DiffDocument
  | BuildDocument
  | HostReport
  | ProofDocument;

/**
 * Prints a document as JSON, indented by two spaces, with a line feed at the end. Every string goes through
 * {@link displayText}: byte strings are not valid text yet, and `jq -r` would pass their control characters to the terminal.
 * Nothing is shortened.
 */
export const documentJson = (document: ReportDocument): string =>
  `${JSON.stringify(document, (_key, value: unknown) => (typeof value === 'string' ? displayText(value) : value), 2)}\n`;
