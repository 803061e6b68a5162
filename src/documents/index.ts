/** What the commands publish: the documents that `--json` prints. Their schemas are apart, in `schemas.ts`: loading zod takes time. */
export type { BuildDocument, BuildVerdict, BuiltBase } from './build.ts';
export type { CallTime, ReportedCall, WideInteger } from './call.ts';
export type { CheckedPayload, CheckReport, CheckVerdict } from './check.ts';
export type { CheckMatrix, MatrixCell, MatrixPayload, MatrixXen } from './check-matrix.ts';
export type { ConformDifference, ConformReport, ObservedValue } from './conformance.ts';
export type {
  DiffDocument,
  DiffVerdict,
  FirstDifference,
  FunctionReport,
  FunctionStatus,
  VerifiedOn,
  WrittenPayload,
} from './diff.ts';
export { documentFinding, listsOf } from './document-finding.ts';
export type { CodeLine, DocumentFinding, DocumentPlace, SourceLine } from './finding.ts';
export type { HostIdentity, HostPayload, HostReport, HostStep } from './host.ts';
export type {
  InspectedExpectation,
  InspectedFunction,
  InspectedHook,
  InspectedInstruction,
  InspectedPayload,
  InspectedRelocations,
  InspectedSection,
  InspectedTable,
  InspectReport,
  PageKind,
} from './inspect.ts';
export type { HexAddress, HexBytes, PayloadState, RehearsalPanic, XenIdentity } from './parts.ts';
export type { ProofDocument } from './proof.ts';
export type {
  CacheRange,
  PayloadPlacement,
  RehearsalFunction,
  RehearsalReport,
  RehearsalStep,
  RehearsalStepKind,
  RehearsalVerdict,
} from './rehearsal.ts';
export { reportedCall } from './reported-call.ts';
export type {
  ExpectedState,
  ScenarioListEntry,
  ScenarioMismatch,
  ScenarioReport,
  ScenarioRun,
  ScenarioStep,
  ScenarioSurprise,
  ScenarioVerdict,
  ScriptVerb,
} from './scenario.ts';
export type { StepDocument } from './step.ts';
