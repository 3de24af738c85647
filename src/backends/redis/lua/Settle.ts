/**
 * Settling.
 *
 * @since 0.1.0
 */

/**
 * Words: session, number of the call, how many parts of frames; for each the first token, what the receipts say of it
 * and a mask of the jobs that were completed; then the other jobs, each as token, first token of its part or nothing,
 * sequence, id, a letter and what belongs to it:
 *
 * - `n` completed, `c` completed with the result
 * - `e` completed, with a flag and the result, the number of queues, their names, the number of follow-ups, and
 *   specification and body of each
 * - `v` completed, with follow-ups that are not valid
 * - `r` retry: delay and cause, `l` release: delay and cause or nothing, `d` dead letter: cause
 *
 * Answers `{0, exceptions}`: the number of the job in the order of the words, a letter, and what its follow-ups were
 * answered. Without an exception a job is completed.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const settle = String.raw`
-- settle ------------------------------------------------------------------------------------------------------------

-- why a grant that is not held is refused
local function refusal(id)
  local job = find(id)
  if job and job.s == 'C' then return 'completed' end
  if job and job.s == 'X' then return 'cancelled' end
  return 'stale'
end

-- the keys of jobs of a frame that were completed stay for their windows
local function completeKeys(q, prio, entry, from, mask)
  local bodies = parsed(q.name, prio, entry)
  local held_, timed = {}, {}
  for i = 1, #mask do
    if isIn(mask, i) then
      local body = bodies[from + i - 1]
      local key, window = keyIn(body, asked(body))
      if key then
        local at = text(N + window)
        held_[#held_ + 1] = key
        held_[#held_ + 1] = string.sub(body, 1, 22) .. ' ' .. at .. ' C'
        timed[#timed + 1] = at
        timed[#timed + 1] = q.no .. ' ' .. key
      end
    end
  end
  if #held_ == 0 then return end
  call('HSET', B .. 'k:' .. q.name, unpack(held_))
  call('ZADD', B .. 'kx', unpack(timed))
end

-- jobs of a frame are completed: those of a mask from a place on
local function completeMask(q, prio, entry, from, mask, count, session, number)
  local parts = call('HGET', B .. 'd:' .. q.name, entry)
  local own_ = N .. ':' .. from .. ':' .. mask
  call('HSET', B .. 'd:' .. q.name, entry, parts and parts .. ';' .. own_ or own_)
  finished(q, { N, prio, entry, from, mask, session, number }, count)
  add(q, 'l', -count)
  add(q, 'C', count)
  if q.ky > 0 and call('HEXISTS', B .. 'kf:' .. q.name, entry) == 1 then completeKeys(q, prio, entry, from, mask) end
  if W == nil then W = call('EXISTS', B .. 'w') == 1 end
  if W then
    local bodies = parsed(q.name, prio, entry)
    for i = 1, #mask do
      if isIn(mask, i) then ended(string.sub(bodies[from + i - 1], 1, 22)) end
    end
  end
end

-- why a job of a frame that is not held any more is refused
local function refusalAt(q, entry, at)
  local job = load((split(entry)) + at - 1)
  if job then
    if job.s == 'C' then return 'completed' end
    if job.s == 'X' then return 'cancelled' end
  elseif doneAt(q.name, entry, at) then return 'completed' end
  return 'stale'
end

local function settlePart(session, numbered, base, place, mask, number, exceptions, touched)
  local no, prio, entry, from = string.match(place, '^(%d+):(%-?%d+):([%d%-]+):(%d+):$')
  local q = queue(nameOf(no) or '')
  from = tonumber(from)
  local value = call('HGET', B .. 't:' .. session, 'S' .. base)
  local done = mask
  if value == place .. mask then
    call('HDEL', B .. 't:' .. session, 'S' .. base)
    number = number + countIn(mask)
  else
    -- not all that was granted is completed at once
    local bits = value and string.sub(value, 1, #place) == place and string.sub(value, #place + 1) or ''
    local done_ = {}
    for i = 1, #mask do
      done_[i] = '0'
      if isIn(mask, i) then
        number = number + 1
        if isIn(bits, i) then done_[i] = '1' else
          local _, job = heldJob(session, text(tonumber(base) + i - 1))
          if job and job.s == 'L' and job.n == (split(entry)) + from + i - 2 then complete(q, job)
          else exceptions[#exceptions + 1] = { number, refusalAt(q, entry, from + i - 1) } end
        end
      end
    end
    done = table.concat(done_)
    if bits ~= '' then keepSegment(session, base, place, without(bits, done)) end
  end
  local count = countIn(done)
  if count > 0 then
    completeMask(q, prio, entry, from, done, count, session, numbered)
    touched[q] = (touched[q] or 0) + count
  end
  return number
end

-- the job of a grant as words name it, not changed yet: queue, and job or the part of a frame that it is in
local function heldAs(session, token, base, seq, id)
  local q, job = heldJob(session, token)
  if q then
    if job.n == seq and job.i == id then return q, job end
    return
  end
  if base == '' then return end
  local head, bits = segment(session, base)
  if not head then return end
  local offset = tonumber(token) - tonumber(base)
  local no, prio, entry, from = string.match(head, '^(%d+):(%-?%d+):([%d%-]+):(%d+):$')
  if not isIn(bits, offset + 1) or (split(entry)) + from + offset - 1 ~= seq or placed(id) ~= seq then return end
  return queue(nameOf(no)), nil, { head = head, bits = bits, offset = offset, prio = prio, entry = entry, from = tonumber(from) }
end

local function settleOther(session, numbered, words, at, number, exceptions, touched)
  local token, base, seq, id, letter = words[at], words[at + 1], tonumber(words[at + 2]), words[at + 3], words[at + 4]
  at = at + 5
  local q, job, plain = heldAs(session, token, base, seq, id)
  local refused = not q and refusal(id)
  if job and job.s == 'X' and letter ~= 'l' then refused = 'cancelled' end
  local function owned()
    if plain then
      local _
      _, job = ownPlain(session, base, plain.head, plain.offset)
    end
    return job
  end
  local function completed(result)
    if job then return complete(q, job, result) end
    local mask = string.rep('0', plain.offset) .. '1'
    keepSegment(session, base, plain.head, without(plain.bits, mask))
    if result then
      call('HSET', B .. 'v:' .. q.name, text(seq), result)
      add(q, 'rs', 1)
    end
    completeMask(q, plain.prio, plain.entry, plain.from, mask, 1, session, numbered)
  end
  local how = refused
  if letter == 'n' then
    if not refused then completed() end
  elseif letter == 'c' then
    if not refused then completed(words[at]) end
    at = at + 1
  elseif letter == 'v' then
    how = refused or 'invalid'
  elseif letter == 'e' then
    local result = words[at] == '1' and words[at + 1] or nil
    local queues = {}
    local count = tonumber(words[at + 2])
    for i = 1, count do queues[i] = words[at + 2 + i] end
    at = at + 3 + count
    local jobs = tonumber(words[at])
    if not refused then
      completed(result)
      local answers = enqueueAll(queues, words, at + 1, at + 2 * jobs)
      exceptions[#exceptions + 1] = { number, 'enqueued', answers }
    end
    at = at + 2 * jobs + 1
  elseif letter == 'd' then
    if not refused then
      die(q, owned(), cjson.decode(words[at]), true)
      how = 'D'
    end
    at = at + 1
  else
    if not refused then
      local delay = tonumber(words[at])
      local cause = words[at + 1] ~= '' and cjson.decode(words[at + 1]) or nil
      if letter == 'r' then retry(q, owned(), delay, cause) else giveBack(q, owned(), delay, cause) end
      how = statusOf(job)
    end
    at = at + 2
  end
  if how then exceptions[#exceptions + 1] = { number, how } end
  if q then touched[q] = (touched[q] or 0) + 1 end
  return at
end

local function settle(keys, words)
  begin(keys)
  local session, number = words[1], words[2]
  local s, refused, answer = recall(session, number, 's')
  if refused then return refused end
  if answer then return { 0, cmsgpack.unpack(answer) } end
  local exceptions, touched = {}, {}
  local at, job = 4, 0
  for _ = 1, tonumber(words[3]) do
    job = settlePart(session, number, words[at], words[at + 1], words[at + 2], job, exceptions, touched)
    at = at + 3
  end
  while at <= #words do
    job = job + 1
    at = settleOther(session, number, words, at, job, exceptions, touched)
  end
  for q, count in pairs(touched) do
    advance(q, 100)
    retain(q, math.max(100, 2 * count))
  end
  remember(s, number, 's', cmsgpack.pack(exceptions))
  finish()
  return { 0, exceptions }
end
`
