/**
 * The state machine of one job as a table: what each command does in each state, under which conditions, and why.
 *
 * The table is documentation that is tested: a test enumerates states, commands and conditions, and proves that
 * exactly one row matches each and that `decide` answers what the row says.
 *
 * @since 0.1.0
 */
import type { Command, CommandContext } from "./Command.ts"
import { grantRows } from "./GrantTransitions.ts"
import type { Job } from "./Job.ts"
import { operatorRows } from "./OperatorTransitions.ts"
import { conditions, tableState } from "./TransitionRow.ts"
import type { Condition, Row } from "./TransitionRow.ts"
import { waitingRows } from "./WaitingTransitions.ts"

/**
 * All rows.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const transitionTable: ReadonlyArray<Row> = [...waitingRows, ...grantRows, ...operatorRows]

/** The rows of a command and a state, so that looking one up need not go through the table. */
const index = new Map<string, Array<Row>>()
for (const row of transitionTable) {
  for (const command of row.commands) {
    for (const state of row.states) {
      const key = `${command} ${state}`
      const rows = index.get(key)
      if (rows === undefined) index.set(key, [row])
      else rows.push(row)
    }
  }
}

const matches = (row: Row, facts: Readonly<Record<Condition, boolean>>): boolean => {
  // `when` is keyed by conditions only
  for (const condition of Object.keys(row.when) as Array<Condition>) {
    if (row.when[condition] !== facts[condition]) return false
  }
  return true
}

/**
 * The rows that match: exactly one for every job that can be, and every command.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const matchingRows = (job: Job | undefined, command: Command, context: CommandContext): ReadonlyArray<Row> => {
  const facts = conditions(job, command, context)
  const rows = index.get(`${command._tag} ${tableState(job, context.now)}`) ?? []
  return rows.filter((row) => matches(row, facts))
}
