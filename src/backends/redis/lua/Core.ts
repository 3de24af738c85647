/**
 * What every function on the server has in common: where things are kept, the queues' counters, and the jobs.
 *
 * Keys, each after the log's `{name}:`
 *
 * - `m` counters of the log, and where the latest reclaim stopped, `qn` the queues' names by number
 * - `q:<queue>` a queue's counters and policy, `P` the names of paused queues
 * - `s:<priority>:<queue>` the stream of plain jobs, in frames of up to 64: an entry `<first sequence>-<enqueued at>` holds
 *   jobs of consecutive sequences; `kf:<queue>` those in which jobs have idempotency keys; `p:<queue>` the priorities with jobs that nobody was granted yet, `sp:<queue>` all that ever had one
 * - `i:<bucket>` ids to `<sequence>:<queue's number>[:<priority>]`
 * - by frame: `d:<queue>` which jobs were completed and when, `n:<queue>` how many are not in it any more and which claims had them,
 *   `hl:<queue>` which of those were waiting; `v:<queue>` results by sequence
 * - `f:<queue>` finished jobs in the order they ended; `u:<queue>` what is kept although its record is gone, while a claim
 *   that granted it may still be repeated
 * - `j:<sequence>` a job that is more than an entry: its state, its body, its result and progress
 * - `r:<queue>` such jobs that may be granted, `y:<queue>` that are not visible yet, `o:<queue>` all that wait, by the
 *   instant since when, `a:<queue>` all by sequence, `e:<queue>` dead letters by sequence, `x` deadlines of waiting jobs
 * - `gm:<queue's number>:<group>` waiting members of a group, `gf:<queue>` its jobs in flight, `gh:<queue>` the member in line
 * - `k:<queue>` idempotency keys, `kx` when they become free
 * - `pk:<queue>` claims that wait in the queue, in the order in which they began to
 * - `S` sessions by expiry, `H` those that were granted something, last those that hold nothing now, `h:<session>` a session,
 *   `c:<session>` its answers, `t:<session>` what it holds by token, of a frame by the first token, `z:<session>` tokens of
 *   cancelled jobs that it holds
 * - `w` ids of jobs that somebody waits for
 *
 * @since 0.1.0
 */

/**
 * The first part of the library. `$clock` is an expression for the time in milliseconds.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const core = String.raw`
-- given when a function is called: while the library is loaded there is nothing
local call, floor
-- what keys begin with, the time, and the queues that the call has met, by name
local B, N, Q
-- found once in a call, when it is needed: whether anybody waits for a job, who holds which part of a frame, the sessions
-- whose claims may be repeated, queues' names by number, the frame that was parsed last, and the first tokens of what a
-- session holds of frames
local W, H, L, names, F, P

local function clock()
  $clock
end

local function begin(keys)
  call, floor = redis.call, math.floor
  B = string.sub(keys[1], 1, -2)
  N = clock()
  Q = {}
  W, H, L, F, P = nil, nil, nil, nil, nil
  names = {}
end

local function text(number)
  return string.format('%.0f', number)
end

-- queues ------------------------------------------------------------------------------------------------------------

local fields = {
  'no', 'pz', 'gc', 'gr', 'mb', 'rc', 'rn', 'fn', 'fa', 'un', 'ho', 'rs', 'w', 'l', 'C', 'D', 'X', 'cf', 'pk', 'ps', 's0', 'gp', 'ky', 'c0'
}

local function queue(name)
  local q = Q[name]
  if q then return q end
  local v = call('HMGET', B .. 'q:' .. name, unpack(fields))
  q = { name = name, changed = {} }
  q.no = v[1] and tonumber(v[1]) or nil
  q.pz = v[2] == '1'
  q.gc = tonumber(v[3] or 1)
  q.aside = v[4] == '1'
  q.mb = v[5] and tonumber(v[5]) or nil
  q.rc = tonumber(v[6] or 3600000)
  q.rn = tonumber(v[7] or 10000)
  for i = 8, 17 do q[fields[i]] = tonumber(v[i] or 0) end
  q.cf = v[18] == '1'
  for i = 19, 23 do q[fields[i]] = tonumber(v[i] or 0) end
  q.c0 = v[24] or ''
  Q[name] = q
  return q
end

-- a queue that a writer names exists from then on
local function existing(name)
  local q = queue(name)
  if not q.no then
    q.no = call('HINCRBY', B .. 'm', 'qno', 1)
    call('HSET', B .. 'q:' .. name, 'no', q.no)
    call('HSET', B .. 'qn', q.no, name)
  end
  return q
end

local function nameOf(no)
  local known = names[no]
  if not known then
    known = call('HGET', B .. 'qn', no)
    names[no] = known
  end
  return known
end

local function add(q, field, n)
  q[field] = q[field] + n
  q.changed[field] = true
end

-- answers of a session's latest calls that are kept
local keptAnswers = 64

-- a live session, or nothing
local function alive(session)
  local found = call('HMGET', B .. 'h:' .. session, 'e', 'l', 'k', 'op')
  local e = tonumber(found[1])
  if not e or e <= N then
    -- once it was found dead it stays so, even if the clock goes back
    if e and e > 0 then
      call('HSET', B .. 'h:' .. session, 'e', '-1')
      call('ZADD', B .. 'S', 0, session)
    end
    return
  end
  return {
    id = session, e = e, l = tonumber(found[2]), k = tonumber(found[3] or 0), op = found[4] and tonumber(found[4]) or nil
  }
end

-- ids ---------------------------------------------------------------------------------------------------------------

-- an id is 22 characters, of which the last three name the small hash it is in
local function bucket(id) return B .. 'i:' .. string.sub(id, 20) end
local function place(id) return call('HGET', bucket(id), string.sub(id, 1, 19)) end
local function placed(id)
  local found = place(id)
  if not found then return end
  local seq, no, prio = string.match(found, '^(%d+):(%d+):?(%-?%d*)$')
  return tonumber(seq), nameOf(no), prio == '' and 0 or tonumber(prio)
end
local function forgetId(id) call('HDEL', bucket(id), string.sub(id, 1, 19)) end

local function stream(name, prio) return B .. 's:' .. prio .. ':' .. name end
local function split(entry)
  local seq, at = string.match(entry, '^(%d+)%-(%d+)$')
  return tonumber(seq), tonumber(at)
end
`
