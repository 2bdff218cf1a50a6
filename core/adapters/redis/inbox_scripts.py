"""What `RedisInbox` has the server do in one step, in Lua, and the keys that it does it to.

The first line of `COMMON` has the server (Redis 7, Valkey) refuse a script as a whole where it has no memory left to
write.

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
    bucket:<who>      hash: tokens, at (in steady time)
    refused:<person>  until when (in steady time) the person need not be told again that it is too much
    beat              when a worker was last heard of, within a twentieth of a lease
    mark              the latest time that was noted here, beside `beat`
    back              how far the clock was set back so far, less how far it was set forward
    number, turn      counters
    dead              hash: event -> what `dead` returns
    aside             hash: event -> the same of one that no worker here can read
    answer:<message>  which answer a shown message stands for
    messages:<answer> list: the other way round

Times are the server's, in milliseconds: the clocks of workers do not matter. The server's may be set, by any amount,
and whatever is noted then moves with it, so that nothing waits for longer than it was to. That it was set is seen by a
time that is earlier than one noted before, and by the watch of whoever calls, which tells how much later it is than at
its last call: the first argument of every script is what steady time should be. Steady time only goes on: it is the
server's time, and all that this was set back less all that it was set forward. A step forward looks like a time in
which the server was away, and leases begin anew after both.

The line above a script names its arguments, behind steady time as the caller expects it ('' where it does not know).
A reply has steady time before what the script returns.
"""

COMMON = r"""#!lua
local P = KEYS[1] .. ':'
local SLACK = 1000
local call = redis.call
local moment = call('TIME')
local now = moment[1] * 1000 + math.floor(moment[2] / 1000)

local noted = call('MGET', P .. 'mark', P .. 'beat', P .. 'back')
local latest, back = math.max(tonumber(noted[1] or 0), tonumber(noted[2] or 0)), tonumber(noted[3] or 0)

local function mark()
    call('SET', P .. 'mark', now)
end

-- How far the clock was set since it was last noted, by what was noted and by the caller's watch.
local function set_by(expected)
    local by = math.min(0, now - latest)
    local off = expected and now + back - expected or 0
    if off < -SLACK then return math.min(by, off) end
    if by == 0 and off > SLACK and latest > 0 and now - latest > SLACK then return math.min(off, now - latest) end
    return by
end

local by = set_by(tonumber(table.remove(ARGV, 1)))
if by ~= 0 then
    for _, name in ipairs({'leases', 'open', 'fresh'}) do
        for _, one in ipairs(call('ZRANGE', P .. name, 0, -1)) do call('ZINCRBY', P .. name, by, one) end
    end
    back = call('INCRBY', P .. 'back', -by)
    if noted[2] and by < 0 then call('SET', P .. 'beat', math.min(now, noted[2] + by)) end
    mark()
end
local steady = now + back

local function signal(kind, token)
    call('XADD', P .. 'signals', 'MAXLEN', '~', 1000, '*', 'kind', kind, 'token', token)
end

local function first(lane)
    local entry = redis.pcall('XRANGE', P .. 'lane:' .. lane, '-', '+', 'COUNT', 1)[1]
    if not entry then return nil end
    local fields = {}
    for i = 1, #entry[2], 2 do fields[entry[2][i]] = entry[2][i + 1] end
    return entry[1], fields
end

local function head(lane)
    local id, fields = first(lane)
    if fields and tonumber(fields.number) and fields.event and fields.person and fields.body then return id, fields end
end

-- No longer counted as waiting, or as the person's.
local function uncount(event, person)
    if event then
        call('ZREM', P .. 'open', event)
        call('DEL', P .. 'event:' .. event, P .. 'shown:' .. event)
    end
    if person and call('HINCRBY', P .. 'held', person, -1) <= 0 then call('HDEL', P .. 'held', person) end
end

local function write_off(where, lane, fields, reason)
    local event = fields.event
    call('HSET', P .. where, event, cjson.encode({
        version = 1, lane = lane, person = fields.person, asks = fields.asks, body = fields.body, reason = reason,
        at = now, attempts = tonumber(call('HGET', P .. 'event:' .. event, 'attempts') or 0),
        shown = call('LRANGE', P .. 'shown:' .. event, 0, -1),
    }))
end

-- Set aside whatever is no event and stands where the oldest one of a lane should; what is no lane goes.
local function clear(lane)
    local kind = call('TYPE', P .. 'lane:' .. lane).ok
    if kind ~= 'stream' and kind ~= 'none' then call('DEL', P .. 'lane:' .. lane) end
    while not head(lane) do
        local id, fields = first(lane)
        if not id then return call('DEL', P .. 'lane:' .. lane) end
        uncount(fields.event, fields.person)
        fields.event = fields.event or lane .. ':' .. id
        write_off('aside', lane, fields, 'what was kept of it is no event')
        call('XDEL', P .. 'lane:' .. lane, id)
    end
end

-- Let the oldest event of a lane be claimed; its person stands in the ring where it stood, or at its end.
local function offer(lane, place)
    clear(lane)
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
    mark()
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
    if work.id then call('XDEL', P .. 'lane:' .. lane, work.id) end
    uncount(work.event, work.person)
    offer(lane)
    if work.person then to_the_end(work.person) end
end

local function add(lane, event, person, asks, body)
    local number = call('INCR', P .. 'number')
    call('XADD', P .. 'lane:' .. lane, '*', 'number', number, 'event', event, 'person', person, 'asks', asks,
        'body', body)
    call('ZADD', P .. 'open', now, event)
    mark()
    call('HINCRBY', P .. 'held', person, 1)
    if call('XLEN', P .. 'lane:' .. lane) == 1 then offer(lane) end
end

-- Nobody could renew a lease while this server was away: those that held then are as good as new.
local function heartbeat(lease)
    local last = tonumber(call('GET', P .. 'beat') or 0)
    if now - last < lease / 20 then return end  -- what writes nothing does not wait for the disk
    call('SET', P .. 'beat', now)
    if last == 0 or now - last < lease / 2 then return end
    for _, lane in ipairs(call('ZRANGEBYSCORE', P .. 'leases', last, '+inf')) do
        if call('HEXISTS', P .. 'work:' .. lane, 'token') == 1 then  -- others only pause
            call('ZADD', P .. 'leases', 'GT', now + lease, lane)
        end
    end
end

local function description(lane)
    local _, fields = head(lane)
    local kept = call('HMGET', P .. 'event:' .. fields.event, 'attempts', 'deaths', 'ended', 'stop')
    local shown = call('LRANGE', P .. 'shown:' .. fields.event, 0, -1)
    return {fields.body, tonumber(kept[1] or 0) or 0, tonumber(kept[2] or 0) or 0, kept[3] and 1 or 0,
        kept[4] and 1 or 0, shown}
end
"""

# event, lane, person, workspace, body, asks, seconds to remember, waiting, waiting of a person, per minute of a person,
# … of a workspace, milliseconds of silence after a refusal
PUT = r"""
local event, lane, person, workspace, body, asks = unpack(ARGV, 1, 6)
if not call('SET', P .. 'seen:' .. event, '1', 'NX', 'EX', ARGV[7]) then return 'known' end

local function refuse(why)
    if steady < (tonumber(call('GET', P .. 'refused:' .. person) or 0) or 0) then return 'hushed' end
    call('SET', P .. 'refused:' .. person, steady + ARGV[12], 'PX', ARGV[12])
    return why
end

local function level(who, minute)
    local kept = call('HMGET', P .. 'bucket:' .. who, 'tokens', 'at')
    if not kept[1] then return minute end
    return math.min(minute, kept[1] + math.max(0, steady - kept[2]) * minute / 60000)
end

local function spend(who, tokens)
    call('HSET', P .. 'bucket:' .. who, 'tokens', tokens - 1, 'at', steady)
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
if again and head(again) then return description(again) end
if again then
    give_up(again)
    offer(again)
end
for _, lane in ipairs(call('ZRANGEBYSCORE', P .. 'leases', '-inf', now, 'LIMIT', 0, 100)) do
    local work = call('HMGET', P .. 'work:' .. lane, 'event', 'counts')
    if work[2] then call('HINCRBY', P .. 'event:' .. work[1], 'deaths', 1) end
    give_up(lane)
    offer(lane, first_place())
end
local person, lane
repeat
    person = call('ZRANGE', P .. 'ring', 0, 0)[1]
    if not person then return nil end
    lane = call('ZRANGE', P .. 'heads:' .. person, 0, 0)[1]
    local _, fields = head(lane or '')
    if lane and not (fields and fields.person == person) then  -- it changed behind our back
        withdraw(lane, person)
        offer(lane)
        lane = nil
    elseif not lane then
        call('ZREM', P .. 'ring', person)
    end
until lane
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
local _, fields = head(lane)
if not fields then
    call('ZREM', P .. 'fresh', lane)
    return nil
end
if not again then
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
    local event = lane and call('HGET', P .. 'work:' .. lane, 'event')
    if event then
        call('ZADD', P .. 'leases', now + lease, lane)
        mark()
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
    mark()
else
    local work = call('HMGET', P .. 'work:' .. lane, 'counts', 'place')
    give_up(lane)
    offer(lane, work[1] and first_place() or work[2])
end
"""

# token, reason, dead or aside
BURY = r"""
local lane = call('HGET', P .. 'claims', ARGV[1])
if not lane then return end
local _, fields = head(lane)
if fields then
    write_off(ARGV[3], lane, fields, ARGV[2])
    finish(lane)
else
    give_up(lane)
    offer(lane)
end
"""

# event
RETRY = r"""
local from = call('HEXISTS', P .. 'dead', ARGV[1]) == 1 and 'dead' or 'aside'
local whole, letter = pcall(cjson.decode, call('HGET', P .. from, ARGV[1]) or '')
if not whole or type(letter) ~= 'table' or (letter.version or 1) ~= 1 then return 0 end
for _, name in ipairs({'lane', 'person', 'body'}) do
    if type(letter[name]) ~= 'string' then return 0 end
end
call('HDEL', P .. from, ARGV[1])
for _, id in ipairs(type(letter.shown) == 'table' and letter.shown or {}) do
    call('RPUSH', P .. 'shown:' .. ARGV[1], tostring(id))
end
add(letter.lane, ARGV[1], letter.person, tostring(letter.asks or 1), letter.body)
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
    oldest[2] and math.max(0, now - oldest[2]) or 0, call('HLEN', P .. 'aside')}
"""

_BODIES = {
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
_BODIES = {name: f"local function reply()\n{body}\nend\nreturn {{steady, reply()}}\n" for name, body in _BODIES.items()}
SCRIPTS = {name: COMMON + body for name, body in _BODIES.items()}
