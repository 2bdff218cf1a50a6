"""What `RedisInbox` has the server do in one step, in Lua; the keys are explained in `inbox_lanes.py`.

The line above a script names its arguments, behind steady time as the caller expects it ('' where it does not know).
Times are in milliseconds unless said otherwise. A reply has steady time before what the script returns.
"""

from core.adapters.redis.inbox_lanes import COMMON

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
