/** The README's programs are found as printed; pack.test.ts compiles and runs the first against the packed package. */
import { describe, expect, it } from "vitest"
import { readmePrograms } from "./readme.ts"

describe("the programs of a README", () => {
  it("are its TypeScript fences as printed, and only those", () => {
    const markdown = [
      "# x",
      "```sh",
      "npm ci",
      "```",
      "```ts",
      "const a = 1",
      "",
      "  indented",
      "```",
      "text",
      "````ts",
      "const fence = `",
      "```",
      "`",
      "````",
      "```ts ignored",
      "a part of a program",
      "```"
    ].join("\n")
    expect(readmePrograms(markdown)).toEqual(["const a = 1\n\n  indented\n", "const fence = `\n```\n`\n"])
  })

  it("do not begin with a fence that never ends", () => {
    expect(() => readmePrograms("```ts\nconst a = 1\n")).toThrow("line 1")
  })
})
