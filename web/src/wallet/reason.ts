// From anything thrown to the code a page turns into a sentence.

import { EngineError } from "./engine";

export function reasonOf(err: unknown): string {
  return err instanceof EngineError ? err.reason : "other";
}
