/** The port's checks broken, which all logs share. */
import { change, mutantsOf } from "../SourceMutant.ts"

export const portMutants = [
  ...mutantsOf(
    "src/log/ValidateItem.ts",
    ["memory"],
    [
      change(
        "limitsAtTheEdge",
        "a payload is measured in nothing",
        `textProblem("payload", item.payload, Limits.payloadBytes)`,
        "undefined"
      ),
      change(
        "limitsAtTheEdge",
        "a delay may be negative",
        `problem = durationProblem("delay", item.delay, 0)`,
        `problem = durationProblem("delay", item.delay, -10)`
      ),
      change(
        "limitsAtTheEdge",
        "only the first job of a batch is checked",
        "for (let i = 0; i < items.length; i++) {",
        "for (let i = 0; i < Math.min(1, items.length); i++) {"
      )
    ]
  ),
  ...mutantsOf(
    "src/log/Validate.ts",
    ["memory"],
    [
      change(
        "limitsAtTheEdge",
        "a result has no limit",
        `textProblem("settlement.result", settlement.result, Limits.resultBytes)`,
        "undefined"
      ),
      change(
        "limitsAtTheEdge",
        "only the first command of a batch is checked",
        "for (let i = 0; i < commands.length; i++) {",
        "for (let i = 0; i < Math.min(1, commands.length); i++) {"
      ),
      change(
        "limitsAtTheEdge",
        "a batch of too many bytes is taken",
        "const bytes = batchBytesProblem(itemsBytes(items, utf8Length))",
        "const bytes = batchBytesProblem(0)"
      )
    ]
  ),
  ...mutantsOf(
    "src/log/Checks.ts",
    ["memory"],
    [
      change(
        "limitsAtTheEdge",
        "bytes are counted as characters",
        "(text.length <= limit && utf8Length(text) <= limit)",
        "text.length <= limit"
      ),
      change(
        "limitsAtTheEdge",
        "text that UTF-8 cannot express is taken",
        "return value.isWellFormed()",
        "return value.length >= 0"
      ),
      change(
        "limitsAtTheEdge",
        "any text is a job's id",
        `typeof value === "string" && idPattern.test(value)`,
        `typeof value === "string"`
      )
    ]
  )
]
