// One JSON object per line in, one per line out, in the same order: how a Go
// test drives a script. What an operation throws goes back as its message.
import { createInterface } from "node:readline";

export async function serve(operations) {
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    let answer;
    try {
      const { op, ...params } = JSON.parse(line);
      answer = { result: await operations[op](params) };
    } catch (e) {
      answer = { error: String(e?.message ?? e).slice(0, 300) };
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
  }
}
