"""What `RedisInbox` has the server do in one step, in Lua; each script begins with `COMMON`.

Its first line has the server (Redis 7, Valkey) refuse a script as a whole where it has no memory left to write.

Every key begins with KEYS[1], which holds a hash tag, so that all of them share a slot of a Cluster.

    seen:<event>      whether an event came before; ends by itself
    lane:<lane>       stream of the events of one conversation, the oldest first; a lane is a conversation
    event:<event>     hash: attempts, deaths, told (to wait), ended, stop
    shown:<event>     list: the platform's ids of what was shown
    open              sorted set: events without an end, by the time they came
    held              hash: how many of those each person has
    heads:<person>    sorted set: lanes whose oldest event is this person's and waits, by its number
    ring              sorted set: people with heads; the one with the lowest number is next
    fresh             sorted set: lanes whose oldest event waits and whose person was not told so, by since when
    leases            sorted set: lanes in work, by the end of the lease
    work:<lane>       hash: token, id, event, person, and what to put back
    claims            hash: token -> lane
    signals           stream: what listeners have to know
    bucket:<who>      hash: tokens, at
    refused:<person>  whether the person was told a moment ago that it is too much
    beat              when a worker was last heard of
    number, turn      counters
    dead              hash: event -> what `dead` returns
    answer:<message>  which answer a shown message stands for
    messages:<answer> list: the other way round

Times are the server's, in milliseconds: the clocks of workers do not matter.
"""

COMMON = r"""#!lua
local P = KEYS[1] .. ':'
local call = redis.call
local moment = call('TIME')
local now = moment[1] * 1000 + math.floor(moment[2] / 1000)

local function signal(kind, token)
    call('XADD', P .. 'signals', 'MAXLEN', '~', 1000, '*', 'kind', kind, 'token', token)
end

local function head(lane)
    local entry = call('XRANGE', P .. 'lane:' .. lane, '-', '+', 'COUNT', 1)[1]
    if not entry then return nil end
    local fields = {}
    for i = 1, #entry[2], 2 do fields[entry[2][i]] = entry[2][i + 1] end
    return entry[1], fields
end

-- Let the oldest event of a lane be claimed; its person stands in the ring where it stood, or at its end.
local function offer(lane, place)
    local _, fields = head(lane)
    if not fields then return end
    call('ZADD', P .. 'heads:' .. fields.person, fields.number, lane)
    if not call('ZSCORE', P .. 'ring', fields.person) then
        call('ZADD', P .. 'ring', place or call('INCR', P .. 'turn'), fields.person)
    end
    if fields.asks == '1' and call('HEXISTS', P .. 'event:' .. fields.event, 'told') == 0 then
        call('ZADD', P .. 'fresh', now, lane)
    end
    signal('new', '')
end

local function withdraw(lane, person)
    call('ZREM', P .. 'fresh', lane)
    call('ZREM', P .. 'heads:' .. person, lane)
    local place = call('ZSCORE', P .. 'ring', person)
    if call('EXISTS', P .. 'heads:' .. person) == 0 then call('ZREM', P .. 'ring', person) end
    return place
end

local function take(lane, token, lease)
    local id, fields = head(lane)
    local place = withdraw(lane, fields.person)
    call('HSET', P .. 'work:' .. lane, 'token', token, 'id', id, 'event', fields.event, 'person', fields.person,
        'place', place or 0)
    call('HSET', P .. 'claims', token, lane)
    call('ZADD', P .. 'leases', now + lease, lane)
    return fields
end

local function give_up(lane)
    local token = call('HGET', P .. 'work:' .. lane, 'token')
    if token then call('HDEL', P .. 'claims', token) end
    call('DEL', P .. 'work:' .. lane)
    call('ZREM', P .. 'leases', lane)
end

-- Whoever was served goes behind those who came meanwhile.
local function to_the_end(person)
    if call('ZSCORE', P .. 'ring', person) then call('ZADD', P .. 'ring', call('INCR', P .. 'turn'), person) end
end

local function first_place()
    local first = call('ZRANGE', P .. 'ring', 0, 0, 'WITHSCORES')
    return first[2] and first[2] - 1 or call('INCR', P .. 'turn')
end

local function finish(lane)
    local work = {}
    local stored = call('HGETALL', P .. 'work:' .. lane)
    for i = 1, #stored, 2 do work[stored[i]] = stored[i + 1] end
    give_up(lane)
    call('XDEL', P .. 'lane:' .. lane, work.id)
    call('ZREM', P .. 'open', work.event)
    if call('HINCRBY', P .. 'held', work.person, -1) <= 0 then call('HDEL', P .. 'held', work.person) end
    call('DEL', P .. 'event:' .. work.event, P .. 'shown:' .. work.event)
    if call('XLEN', P .. 'lane:' .. lane) == 0 then call('DEL', P .. 'lane:' .. lane) else offer(lane) end
    to_the_end(work.person)
end

local function add(lane, event, person, asks, body)
    local number = call('INCR', P .. 'number')
    call('XADD', P .. 'lane:' .. lane, '*', 'number', number, 'event', event, 'person', person, 'asks', asks,
        'body', body)
    call('ZADD', P .. 'open', now, event)
    call('HINCRBY', P .. 'held', person, 1)
    if call('XLEN', P .. 'lane:' .. lane) == 1 then offer(lane) end
end

-- Nobody could renew a lease while this server was away: those that held then are as good as new.
local function heartbeat(lease)
    local last = tonumber(call('GET', P .. 'beat') or now)
    call('SET', P .. 'beat', now)
    if now - last < lease / 2 then return end
    for _, lane in ipairs(call('ZRANGEBYSCORE', P .. 'leases', last, '+inf')) do
        call('ZADD', P .. 'leases', 'GT', now + lease, lane)
    end
end

local function description(lane)
    local _, fields = head(lane)
    local kept = call('HMGET', P .. 'event:' .. fields.event, 'attempts', 'deaths', 'ended', 'stop')
    local shown = call('LRANGE', P .. 'shown:' .. fields.event, 0, -1)
    return {fields.body, tonumber(kept[1] or 0), tonumber(kept[2] or 0), kept[3] and 1 or 0, kept[4] and 1 or 0, shown}
end
"""

# event, lane, person, workspace, body, asks, seconds to remember, waiting, waiting of a person, per minute of a person,
# … of a workspace, milliseconds of silence after a refusal
PUT = r"""
local event, lane, person, workspace, body, asks = unpack(ARGV, 1, 6)
if not call('SET', P .. 'seen:' .. event, '1', 'NX', 'EX', ARGV[7]) then return 'known' end

local function refuse(why)
    local told = not call('SET', P .. 'refused:' .. person, '1', 'NX', 'PX', ARGV[12])
    return told and 'hushed' or why
end

local function level(who, minute)
    local kept = call('HMGET', P .. 'bucket:' .. who, 'tokens', 'at')
    if not kept[1] then return minute end
    return math.min(minute, kept[1] + (now - kept[2]) * minute / 60000)
end

local function spend(who, tokens)
    call('HSET', P .. 'bucket:' .. who, 'tokens', tokens - 1, 'at', now)
    call('PEXPIRE', P .. 'bucket:' .. who, 60000)
end

if call('ZCARD', P .. 'open') >= tonumber(ARGV[8]) then return refuse('crowded') end
if tonumber(call('HGET', P .. 'held', person) or 0) >= tonumber(ARGV[9]) then return refuse('hurried') end
if asks == '1' then
    local own, shared = level('p:' .. person, tonumber(ARGV[10])), level('w:' .. workspace, tonumber(ARGV[11]))
    if own < 1 or shared < 1 then return refuse('hurried') end
    spend('p:' .. person, own)
    spend('w:' .. workspace, shared)
end
add(lane, event, person, asks, body)
return 'accepted'
"""

# token, lease
CLAIM = r"""
local token, lease = ARGV[1], tonumber(ARGV[2])
heartbeat(lease)
local again = call('HGET', P .. 'claims', token)
if again then return description(again) end
for _, lane in ipairs(call('ZRANGEBYSCORE', P .. 'leases', '-inf', now, 'LIMIT', 0, 100)) do
    local work = call('HMGET', P .. 'work:' .. lane, 'event', 'counts')
    if work[2] then call('HINCRBY', P .. 'event:' .. work[1], 'deaths', 1) end
    give_up(lane)
    offer(lane, first_place())
end
local person = call('ZRANGE', P .. 'ring', 0, 0)[1]
if not person then return nil end
local lane = call('ZRANGE', P .. 'heads:' .. person, 0, 0)[1]
local fields = take(lane, token, lease)
call('HSET', P .. 'work:' .. lane, 'counts', 1)
to_the_end(person)
call('HINCRBY', P .. 'event:' .. fields.event, 'attempts', 1)
return description(lane)
"""

# token, lease, milliseconds
WAITING = r"""
local again = call('HGET', P .. 'claims', ARGV[1])
local lane = again or call('ZRANGEBYSCORE', P .. 'fresh', '-inf', now - ARGV[3], 'LIMIT', 0, 1)[1]
if not lane then return nil end
if not again then
    local _, fields = head(lane)
    local people = call('ZCARD', P .. 'ring')
    local ahead = call('ZRANK', P .. 'ring', fields.person)
        + call('ZRANK', P .. 'heads:' .. fields.person, lane) * people
    take(lane, ARGV[1], ARGV[2])
    call('HSET', P .. 'work:' .. lane, 'ahead', ahead)
    call('HSET', P .. 'event:' .. fields.event, 'told', 1)
end
return {tonumber(call('HGET', P .. 'work:' .. lane, 'ahead')), description(lane)}
"""

# lease, token …
RENEW = r"""
local lease, states = tonumber(ARGV[1]), {}
heartbeat(lease)
for i = 2, #ARGV do
    local lane = call('HGET', P .. 'claims', ARGV[i])
    if lane then
        call('ZADD', P .. 'leases', now + lease, lane)
        local event = call('HGET', P .. 'work:' .. lane, 'event')
        states[i - 1] = call('HEXISTS', P .. 'event:' .. event, 'stop') == 1 and 'stopped' or 'held'
    else
        states[i - 1] = 'lost'
    end
end
return states
"""

# token, message id
NOTE = r"""
local lane = call('HGET', P .. 'claims', ARGV[1])
if not lane then return 0 end
local shown = P .. 'shown:' .. call('HGET', P .. 'work:' .. lane, 'event')
if not call('LPOS', shown, ARGV[2]) then call('RPUSH', shown, ARGV[2]) end
return 1
"""

# token, answer, seconds to remember
ENDED = r"""
local lane = call('HGET', P .. 'claims', ARGV[1])
if not lane then return 0 end
local event = call('HGET', P .. 'work:' .. lane, 'event')
call('HSET', P .. 'event:' .. event, 'ended', 1)
if ARGV[2] ~= '' then
    local channel = string.match(lane, '^(.*):')  -- without the thread: platforms name messages in channels
    local shown, messages = call('LRANGE', P .. 'shown:' .. event, 0, -1), P .. 'messages:' .. channel .. ':' .. ARGV[2]
    call('DEL', messages)
    for _, id in ipairs(shown) do
        call('SET', P .. 'answer:' .. channel .. ':' .. id, ARGV[2], 'EX', ARGV[3])
        call('RPUSH', messages, id)
    end
    call('EXPIRE', messages, ARGV[3])
end
return 1
"""

# token
DONE = r"""
local lane = call('HGET', P .. 'claims', ARGV[1])
if lane then finish(lane) end
"""

# token, pause in milliseconds
RELEASE = r"""
local lane = call('HGET', P .. 'claims', ARGV[1])
if not lane then return end
if tonumber(ARGV[2]) > 0 then
    call('HDEL', P .. 'claims', ARGV[1])
    call('HDEL', P .. 'work:' .. lane, 'token', 'counts')
    call('ZADD', P .. 'leases', now + ARGV[2], lane)
else
    local work = call('HMGET', P .. 'work:' .. lane, 'counts', 'place')
    give_up(lane)
    offer(lane, work[1] and first_place() or work[2])
end
"""

# token, reason
BURY = r"""
local lane = call('HGET', P .. 'claims', ARGV[1])
if not lane then return end
local _, fields = head(lane)
call('HSET', P .. 'dead', fields.event, cjson.encode({
    lane = lane, person = fields.person, asks = fields.asks, body = fields.body, reason = ARGV[2], at = now,
    attempts = tonumber(call('HGET', P .. 'event:' .. fields.event, 'attempts') or 0),
    shown = call('LRANGE', P .. 'shown:' .. fields.event, 0, -1),
}))
finish(lane)
"""

# event
RETRY = r"""
local stored = call('HGET', P .. 'dead', ARGV[1])
if not stored then return 0 end
local letter = cjson.decode(stored)
call('HDEL', P .. 'dead', ARGV[1])
for _, id in ipairs(letter.shown) do call('RPUSH', P .. 'shown:' .. ARGV[1], id) end
add(letter.lane, ARGV[1], letter.person, letter.asks, letter.body)
return 1
"""

# lane, person
STOP = r"""
local _, fields = head(ARGV[1])
if not fields or fields.person ~= ARGV[2] then return 0 end
call('HSET', P .. 'event:' .. fields.event, 'stop', 1)
local token = call('HGET', P .. 'work:' .. ARGV[1], 'token')
if token then signal('stop', token) end
return 1
"""

DEPTH = r"""
local oldest = call('ZRANGE', P .. 'open', 0, 0, 'WITHSCORES')
return {call('ZCARD', P .. 'open'), call('ZCARD', P .. 'leases'), call('HLEN', P .. 'dead'),
    oldest[2] and math.max(0, now - oldest[2]) or 0}
"""

ALL = {
    "put": PUT,
    "claim": CLAIM,
    "waiting": WAITING,
    "renew": RENEW,
    "note": NOTE,
    "ended": ENDED,
    "done": DONE,
    "release": RELEASE,
    "bury": BURY,
    "retry": RETRY,
    "stop": STOP,
    "depth": DEPTH,
}
