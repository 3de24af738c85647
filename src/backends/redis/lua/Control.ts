/**
 * Operators' commands.
 *
 * @since 0.1.0
 */

/**
 * Words: for each command its letter, the job's id or the queue's name, and what belongs to it: `c` cancel, `d` redrive,
 * `p` purge nothing; `s` reschedule: instant, delay, priority, each or nothing; `P` pause, `R` resume nothing; `C` configure: group
 * concurrency, what a group does on retry, backlog, age and count to retain, each or nothing.
 *
 * Answers the exceptions: the number of the command, the reason, and for `keyHeld` who holds it.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const control = String.raw`
-- control -----------------------------------------------------------------------------------------------------------

local function cancel(job)
  if job.s == 'C' then return 'completed' end
  if job.s == 'X' then return 'cancelled' end
  local q = queue(job.q)
  own(job)
  local before = job.s
  if before == 'W' then
    leave(q, job)
    if job.G then tell(q) end
  end
  if before == 'D' then call('ZREM', B .. 'e:' .. q.name, job.n) end
  become(q, job, 'X')
  job.f = N
  save(job)
  -- its holder is told at its next renewal, and keeps the permit until it confirms
  if job.h then call('SADD', B .. 'z:' .. job.h, text(job.t)) else finishedJob(q, job) end
  follow(q, job)
  ended(job.i)
end

local function redrive(job)
  if job.s == 'C' then return 'completed' end
  if job.s == 'X' then return 'cancelled' end
  if job.s ~= 'D' then return 'notDeadLettered' end
  local q = queue(job.q)
  if job.K then
    local by = keyOf(q, job.K)
    if by and by ~= job.i then return 'keyHeld', by end
  end
  call('ZREM', B .. 'e:' .. q.name, job.n)
  become(q, job, 'W')
  job.v, job.w, job.a, job.d, job.g, job.dl, job.f = N, N, 0, 0, job.g + 1, nil, nil
  save(job)
  join(q, job)
  follow(q, job)
end

local function reschedule(job, at, delay, prio)
  if job.s == 'L' then return 'leased' end
  if job.s == 'C' then return 'completed' end
  if job.s == 'X' then return 'cancelled' end
  if job.s == 'D' then return 'deadLettered' end
  local q = queue(job.q)
  own(job)
  leave(q, job)
  if at ~= '' then job.v = tonumber(at) elseif delay ~= '' then job.v = N + tonumber(delay) end
  if prio ~= '' then job.p = tonumber(prio) end
  save(job)
  join(q, job)
end

local function purge(job)
  if job.s == 'W' then return 'notTerminal' end
  if job.h then return 'leased' end
  local q = queue(job.q)
  -- where it stands among the finished it is left, to be passed over
  if job.s ~= 'D' then
    add(q, 'fn', -1)
    if q.fn == 0 then call('DEL', B .. 'f:' .. q.name) end
  end
  if job.entry then removeDone(q, text(job.p), job.entry, job.at, '1', watchers()) else removeFull(q, job) end
end

local function paused(name, yes)
  local q = existing(name)
  q.pz = yes
  call('HSET', B .. 'q:' .. name, 'pz', yes and 1 or 0)
  if yes then call('SADD', B .. 'P', name) else
    call('SREM', B .. 'P', name)
    tell(q)
  end
end

-- new terms may move jobs of groups into the line or out of it
local function configure(name, words, at)
  local q = existing(name)
  local store = { 'cf', 1 }
  local function set(field, value)
    if value ~= '' then
      store[#store + 1] = field
      store[#store + 1] = value
    end
  end
  set('gc', words[at]) set('gr', words[at + 1]) set('mb', words[at + 2]) set('rc', words[at + 3]) set('rn', words[at + 4])
  call('HSET', B .. 'q:' .. name, unpack(store))
  if words[at + 2] == '-' then call('HDEL', B .. 'q:' .. name, 'mb') end
  local gc, aside = q.gc, q.aside
  if words[at] ~= '' then q.gc = tonumber(words[at]) end
  if words[at + 1] ~= '' then q.aside = words[at + 1] == '1' end
  if words[at + 2] ~= '' then q.mb = tonumber(words[at + 2]) end
  if words[at + 3] ~= '' then q.rc = tonumber(words[at + 3]) end
  if words[at + 4] ~= '' then q.rn = tonumber(words[at + 4]) end
  if q.gc ~= gc or q.aside ~= aside then
    -- from the first job on; what is left of many is done by claims, which grant nothing before
    add(q, 'gp', 1 - q.gp)
    regroup(q, 1000)
  end
  tell(q)
end

local function control(keys, words)
  begin(keys)
  local exceptions = {}
  local at, number = 1, 0
  local touched = {}
  while at <= #words do
    number = number + 1
    local letter, what = words[at], words[at + 1]
    at = at + 2
    if letter == 'P' or letter == 'R' then paused(what, letter == 'P')
    elseif letter == 'C' then
      configure(what, words, at)
      at = at + 5
      touched[queue(what)] = true
    else
      local job = find(what)
      local reason, holder_ = 'unknownJob', nil
      if job then
        if letter == 'c' then reason = cancel(job)
        elseif letter == 'd' then reason, holder_ = redrive(job)
        elseif letter == 's' then reason = reschedule(job, words[at], words[at + 1], words[at + 2])
        else reason = purge(job) end
        touched[queue(job.q)] = true
      end
      if letter == 's' then at = at + 3 end
      if reason then exceptions[#exceptions + 1] = { number, reason, holder_ } end
    end
  end
  for q in pairs(touched) do retain(q, 1000) end
  finish()
  return exceptions
end
`
