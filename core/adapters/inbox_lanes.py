"""The inbox's keys, and the Lua that every script of `inbox_scripts.py` begins with.

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
    beat              when a worker was last heard of, within a twentieth of a lease
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
    local last = tonumber(call('GET', P .. 'beat') or 0)
    if now - last < lease / 20 then return end  -- what writes nothing does not wait for the disk
    call('SET', P .. 'beat', now)
    if last == 0 or now - last < lease / 2 then return end
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
