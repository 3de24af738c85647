/**
 * What those who wait are told, once a function has done its work.
 *
 * @since 0.1.0
 */

/**
 * What has appeared in a queue is granted to the claims that wait in it, at once. Everybody else is told `q <queue>`, unless
 * there is nothing left to be had, and `j <id>` who waits for a job.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const news = String.raw`
-- news --------------------------------------------------------------------------------------------------------------

-- grants to the claims that wait in a queue
local serve

local function tell(q)
  q.news = true
end

-- news are hints: where this user may not publish, those who wait look from time to time. It must not stop what is half done
local function publish(message)
  redis.pcall('PUBLISH', B .. 'news', message)
end

-- somebody may wait for this job to end
local function ended(id)
  if W == nil then W = call('EXISTS', B .. 'w') == 1 end
  if W and call('ZREM', B .. 'w', id) == 1 then publish('j ' .. id) end
end

-- writes what has changed in the queues, and tells the news
local function finish()
  local waitedFor = {}
  for _, q in pairs(Q) do
    if q.news and q.pk > 0 and not q.pz then waitedFor[#waitedFor + 1] = q end
  end
  for _, q in ipairs(waitedFor) do serve(q) end
  for name, q in pairs(Q) do
    local values = {}
    for field in pairs(q.changed) do
      values[#values + 1] = field
      values[#values + 1] = type(q[field]) == 'number' and text(q[field]) or q[field]
    end
    if #values > 0 then call('HSET', B .. 'q:' .. name, unpack(values)) end
    if q.news then publish('q ' .. name) end
  end
end
`
