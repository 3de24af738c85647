/**
 * What becomes of a job: the transitions that its grant's end, its deadline and operators bring about.
 *
 * @since 0.1.0
 */

/**
 * Each takes a job as it was loaded, and saves it.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const transitions = String.raw`
-- transitions -------------------------------------------------------------------------------------------------------

local deadlineCause = { kind = 'deadline', message = "the job's deadline passed" }
local expiredCause = { kind = 'expired', message = 'the lease ran out before the job was settled' }

local function attemptsCause(job, attempts, last)
  return { kind = 'maxAttempts', tag = last.tag, message = 'attempt ' .. attempts .. ' of ' .. job.ma .. ' failed: ' .. last.message }
end

local function deliveriesCause(job, last)
  return {
    kind = 'maxDeliveries',
    message = 'handed out ' .. job.d .. ' times without a result' .. (last and '; last: ' .. last.message or '')
  }
end

-- W is what is stored of both: R for ready, S for scheduled
local function statusOf(job)
  if job.s == 'W' then return job.v <= N and 'R' or 'S' end
  return job.s
end

local function countOf(job)
  if job.s == 'W' then return 'w' end
  if job.s == 'L' then return 'l' end
  return job.s
end

-- a job's status changes, and with it the queue's counts
local function become(q, job, status)
  add(q, countOf(job), -1)
  job.s = status
  add(q, countOf(job), 1)
end

-- the grant is over: whoever held the job holds it no more
local function release(q, job)
  call('HDEL', B .. 't:' .. job.h, text(job.t))
  job.h = nil
  job.u = nil
end

local function die(q, job, cause, counted)
  local before = job.s
  if before == 'W' then leave(q, job) end
  local wasHeld = job.h
  if wasHeld then release(q, job) end
  become(q, job, 'D')
  if counted then job.a = job.a + 1 end
  job.f = N
  job.c = cause
  save(job)
  call('ZADD', B .. 'e:' .. q.name, job.n, job.n)
  if wasHeld then free(q, job) elseif job.G then tell(q) end
  follow(q, job)
  ended(job.i)
end

-- a held job waits again
local function back(q, job, at, attempts, cause)
  release(q, job)
  become(q, job, 'W')
  job.v = at
  job.w = N
  job.a = attempts
  job.c = cause
  save(job)
  if job.G then
    call('HINCRBY', B .. 'gf:' .. q.name, job.G, -1)
  end
  join(q, job)
  if job.G then showHead(q, job.G) end
  follow(q, job)
end

-- a grant that ends without a result: the job waits again, or its bounds make it a dead letter
local function bounded(q, job, at, attempts, last, counted, cause)
  if job.dl and (job.dl <= N or job.dl < at) then return die(q, job, deadlineCause, counted) end
  if counted and attempts >= job.ma then return die(q, job, attemptsCause(job, attempts, last or expiredCause), counted) end
  if job.d >= job.md then return die(q, job, deliveriesCause(job, last), counted) end
  return back(q, job, at, attempts, cause)
end

local function complete(q, job, result)
  release(q, job)
  become(q, job, 'C')
  job.a = job.a + 1
  job.f = N
  job.c = nil
  save(job)
  if result then call('HSET', jobKey(job.n), 'r', result) end
  finishedJob(q, job)
  free(q, job)
  follow(q, job)
  ended(job.i)
end

local function retry(q, job, delay, cause)
  bounded(q, job, N + delay, job.a + 1, cause, true, cause)
end

-- of a cancelled job too, which confirms that its holder has stopped
local function giveBack(q, job, delay, cause)
  if job.s == 'X' then
    call('SREM', B .. 'z:' .. job.h, text(job.t))
    release(q, job)
    save(job)
    finishedJob(q, job)
    free(q, job)
  else
    bounded(q, job, N + delay, job.a, cause, false, cause or job.c)
  end
end

local function reclaimed(q, job)
  if job.s == 'X' then return giveBack(q, job, 0) end
  bounded(q, job, job.v, job.u and job.a + 1 or job.a, expiredCause, job.u == true, expiredCause)
end

-- a waiting job's deadline has passed; so many at most, and whether there may be more
local function expire(most)
  local over = call('ZRANGEBYSCORE', B .. 'x', '-inf', N, 'LIMIT', 0, most)
  for _, seq in ipairs(over) do
    local job = load(tonumber(seq))
    die(queue(job.q), job, deadlineCause, false)
  end
  return #over
end
`
