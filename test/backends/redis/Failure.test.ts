/** What failures mean, also those of servers that are not here: the words of Redis 6.2, 7 and of Valkey. */
import { ReplyError } from "ioredis"
import { assert, describe, it } from "vitest"
import { failureOf, judge } from "../../../src/backends/redis/Failure.ts"

const replyOf = (text: string): unknown => Reflect.construct(ReplyError, [text])

const judged = (error: unknown, sent = true) => {
  const verdict = judge(error, sent, ["s3cret"])
  const { outcome, reason } = failureOf("claim", verdict)
  return `${verdict._tag} ${outcome} ${reason._tag}`
}

describe("what the server answers", () => {
  it.each([
    ["LOADING Redis is loading the dataset in memory", "Passing refused Unavailable"],
    ["TRYAGAIN Multiple keys request during rehashing of slot", "Passing refused Unavailable"],
    ["CLUSTERDOWN Hash slot not served", "Passing refused Unavailable"],
    ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", "Refused refused Unavailable"],
    ["READONLY You can't write against a read only replica.", "Refused refused Unavailable"],
    [
      "READONLY You can't write against a read only replica. script: leasehold_x_claim, on @user_function:1.",
      "Refused refused Unavailable"
    ],
    ["NOREPLICAS Not enough good replicas to write.", "Refused refused Unavailable"],
    ["MISCONF Errors writing to the AOF file: No space left on device", "Refused refused Unavailable"],
    ["BUSY Redis is busy running a script.", "Refused refused Unavailable"],
    ["OOM command not allowed when used memory > 'maxmemory'.", "Refused refused Full"],
    ["OOM allow-oom flag is not set on the function, can not run it", "Refused refused Full"],
    [
      "ERR Error running script (call to f_2067d915024a3e1657c4169c84f809f8ec75bb9a): @user_script:3: @user_script: 3: -OOM command not allowed when used memory > 'maxmemory'.",
      "Refused refused Full"
    ],
    [
      "ERR Error running script (call to f_1): Script killed by user with SCRIPT KILL...",
      "Refused refused Unavailable"
    ],
    [
      "ERR Script killed by user with SCRIPT KILL... script: leasehold_x_claim, on @user_function:9.",
      "Refused refused Unavailable"
    ],
    ["NOAUTH Authentication required.", "Refused refused NotWritable"],
    ["NOPERM this user has no permissions to run the 'fcall' command", "Forbidden refused NotWritable"],
    // it may have written before, and would fail again
    [
      "NOPERM The user executing the script can't run this command or subcommand script: leasehold_x_claim, on @user_function:4.",
      "Unknown unknown NotWritable"
    ],
    ["ERR Error running script (call to f_1): @user_script:1: user_script:1: boom", "Unknown unknown NotWritable"],
    ["ERR user_function:1: boom script: leasehold_x_claim, on @user_function:1.", "Unknown unknown NotWritable"],
    // as Valkey 9.1 says it
    ["ERR user_function:2: boom script: on @user_function:2.", "Unknown unknown NotWritable"],
    [
      "WRONGTYPE Operation against a key script: leasehold_x_claim, on @user_function:1.",
      "Unknown unknown NotWritable"
    ],
    ["ERR something new", "Unknown unknown Unavailable"],
    ["MOVED 3999 127.0.0.1:6381", "Refused refused NotWritable"],
    ["NOSCRIPT No matching script. Please use EVAL.", "Absent refused Unavailable"],
    ["ERR Function not found", "Absent refused Unavailable"],
    ["ERR unknown command `FCALL`, with args beginning with: `x`, ", "Forbidden refused Unavailable"],
    ["ERR unknown command 'fcall', with args beginning with: 'x' ", "Forbidden refused Unavailable"]
  ])("%s", (text, expected) => {
    assert.strictEqual(judged(replyOf(text)), expected)
  })
})

describe("what the client says", () => {
  it.each([
    ["Connection is closed.", true, "Unknown unknown Unavailable"],
    ["Connection is closed.", false, "Unsent refused Unavailable"],
    ["Reached the max retries per request limit (which is 0).", true, "Unknown unknown Unavailable"],
    ["Stream isn't writeable and enableOfflineQueue options is false", false, "Unsent refused Unavailable"],
    // it may be written once the connection is there
    ["Command timed out", false, "Unknown unknown Unavailable"],
    ["Command timed out", true, "Unknown unknown Unavailable"],
    ["read ECONNRESET", true, "Unknown unknown Unavailable"],
    ["Too many Cluster redirections. Last error: ReplyError: MOVED 1 127.0.0.1:1", true, "Passing refused Unavailable"],
    [
      "Too many Cluster redirections. Last error: ReplyError: NOSCRIPT No matching script. Please use EVAL.",
      true,
      "Absent refused Unavailable"
    ],
    [
      "Too many Cluster redirections. Last error: ReplyError: ERR Function not found",
      true,
      "Absent refused Unavailable"
    ],
    ["Too many Cluster redirections. Last error: Error: Connection is closed.", true, "Unknown unknown Unavailable"]
  ])("%s, sent: %s", (text, sent, expected) => {
    assert.strictEqual(judged(new Error(text), sent), expected)
  })

  it("is told with the cause where one is known", () => {
    const { reason } = judge(new Error("Connection is closed."), true, [], "read ECONNRESET")
    assert.include(reason.message, "ECONNRESET")
    const silent = judge(new Error("Connection is closed."), true, [], "Socket timeout. Expecting data, but …")
    assert.include(silent.reason.message, "in time")
  })
})

it("holds no password, whoever says it, and no arguments", () => {
  const quoted = "ERR unknown command `HELLO`, with args beginning with: `3` `AUTH` `default` `s3cret` "
  for (const error of [replyOf(quoted), new Error("cannot reach redis://:s3cret@host"), "s3cret"]) {
    for (const sent of [true, false]) assert.notInclude(JSON.stringify(judge(error, sent, ["s3cret"])), "s3cret")
  }
  assert.notInclude(JSON.stringify(judge(replyOf(quoted), true, [])), "s3cret")
})

it("tells all errors of a host with several addresses", () => {
  const error = new AggregateError([
    new Error("connect ECONNREFUSED ::1:1"),
    new Error("connect ECONNREFUSED 127.0.0.1:1")
  ])
  const { reason } = judge(error, false, [])
  assert.include(reason.message, "::1:1")
  assert.include(reason.message, "127.0.0.1:1")
})
