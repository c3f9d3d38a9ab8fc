"""What several workers do to one crawl in Redis, each step a Lua script and so all or nothing.

All keys begin with ``solemap:1:{hash of sites, brands and limit}:``:

    current          id of the crawl that goes on
    finished:<id>    how many products an ended crawl has, for workers that come back to it
    <id>:workers     sorted set: worker -> when it was last heard of, in seconds of the server
    <id>:members     set: workers that told what their own journals hold
    <id>:queue:<site>  sorted set: addresses that wait, most promising first
    <id>:held:<worker> hash, the worker's leases: page -> its place in the queue
    <id>:seen        set: digests of the addresses that were queued or answered
    <id>:claims      hash: what may be given only once (a product's address) -> the page that gives it
    <id>:taken       hash: leased page -> how many products it took of the site's limit
    <id>:tries       hash: page -> how often its lease came back
    <id>:facts       hash: counters by site, refusing shops, other hosts of a shop

A page is in the queue, or in one worker's lease, or done; each step is one script, so that a worker
may die between any two. What a page claims it may claim again: the next worker reads it as the first.
"""

from __future__ import annotations

# Every script: KEYS[1] the common head of the keys, ARGV[1] the crawl's id, ARGV[2] the worker.
# \31 parts the texts of a value; no address and no site's name contains it.
_HEAD = r"""
local head, id, me = KEYS[1], ARGV[1], ARGV[2]
local P = head .. id .. ':'
local now = tonumber(redis.call('TIME')[1])

local function back(worker, is_counted)
  local given_up = {}
  local held = redis.call('HGETALL', P .. 'held:' .. worker)
  for i = 1, #held, 2 do
    local page = held[i]
    local site = string.match(page, '^([^\31]*)')
    local score, entry = string.match(held[i + 1], '^([^\31]*)\31(.*)$')
    local took = redis.call('HGET', P .. 'taken', page)
    if took then
      redis.call('HINCRBY', P .. 'facts', 'taken:' .. site, -tonumber(took))
      redis.call('HDEL', P .. 'taken', page)
    end
    local tries = 0
    if is_counted then tries = redis.call('HINCRBY', P .. 'tries', page, 1) end
    if tries >= 5 then
      table.insert(given_up, page)
    else
      redis.call('ZADD', P .. 'queue:' .. site, score, entry)
    end
  end
  redis.call('DEL', P .. 'held:' .. worker)
  return given_up
end

local function back_of_dead(lease_s)
  local given_up = {}
  for _, worker in ipairs(redis.call('ZRANGEBYSCORE', P .. 'workers', '-inf', now - lease_s)) do
    for _, page in ipairs(back(worker, true)) do table.insert(given_up, page) end
    redis.call('ZREM', P .. 'workers', worker)
  end
  return given_up
end

local function own_keys(sites)
  local keys = {}
  for _, name in ipairs({'workers', 'members', 'seen', 'claims', 'taken', 'tries', 'facts'}) do
    table.insert(keys, P .. name)
  end
  for _, site in ipairs(sites) do table.insert(keys, P .. 'queue:' .. site) end
  for _, worker in ipairs(redis.call('ZRANGE', P .. 'workers', 0, -1)) do
    table.insert(keys, P .. 'held:' .. worker)
  end
  return keys
end
"""

_ON = r"""
if redis.call('GET', head .. 'current') ~= id then
  local products = redis.call('GET', head .. 'finished:' .. id)
  if products then return {'over', products} end
  return {'gone'}
end
redis.call('ZADD', P .. 'workers', now, me)
"""

# ARGV: ..., whether the id is of an unfinished run, seconds to keep. -> over, products | id, is_member
JOIN = (
    _HEAD
    + r"""
local is_held, keep_s = ARGV[3] == '1', ARGV[4]
if is_held then
  local products = redis.call('GET', head .. 'finished:' .. id)
  if products then return {'over', products} end
end
local current = redis.call('GET', head .. 'current')
if not current then current = id end
redis.call('SET', head .. 'current', current, 'EX', keep_s)
P = head .. current .. ':'
local is_member = redis.call('SISMEMBER', P .. 'members', me)
back(me, false)
redis.call('ZADD', P .. 'workers', now, me)
redis.call('EXPIRE', P .. 'workers', keep_s)
return {current, is_member}
"""
)

# ARGV: ..., site, then per address its digest, its kind and depth as one number, its entry. -> 1 or 0 each
ADD = (
    _HEAD
    + _ON
    + r"""
local fresh = {'on'}
for i = 4, #ARGV, 3 do
  local is_new = redis.call('SADD', P .. 'seen', ARGV[i])
  if is_new == 1 then
    local number = redis.call('HINCRBY', P .. 'facts', 'number', 1)
    local score = string.format('%.0f', tonumber(ARGV[i + 1]) * 2^40 + number)
    redis.call('ZADD', P .. 'queue:' .. ARGV[3], score, ARGV[i + 2])
  end
  table.insert(fresh, is_new)
end
return fresh
"""
)

# ARGV: ..., digest, page. The page's answer came from this address. -> 1 if no other page gave it
MARK = (
    _HEAD
    + _ON
    + r"""
if redis.call('SADD', P .. 'seen', ARGV[3]) == 1 then
  redis.call('HSET', P .. 'claims', 'from' .. ARGV[3], ARGV[4])
  return {'on', 1}
end
return {'on', redis.call('HGET', P .. 'claims', 'from' .. ARGV[3]) == ARGV[4] and 1 or 0}
"""
)

# ARGV: ..., site. -> the other hosts of the shop, why it refuses, the leased entry; '' where there is none
POP = (
    _HEAD
    + _ON
    + r"""
local site = ARGV[3]
local homes = redis.call('HGET', P .. 'facts', 'homes:' .. site) or ''
local refusing = redis.call('HGET', P .. 'facts', 'refusing:' .. site) or ''
if refusing ~= '' then redis.call('DEL', P .. 'queue:' .. site) end
local first = redis.call('ZPOPMIN', P .. 'queue:' .. site)
if #first == 0 then return {'on', homes, refusing, ''} end
local page = site .. '\31' .. string.match(first[1], '^([^\31]*)')
redis.call('HSET', P .. 'held:' .. me, page, first[2] .. '\31' .. first[1])
return {'on', homes, refusing, first[1]}
"""
)

# ARGV: ..., page, its products. The page is done: its items are in the worker's journal.
RELEASE = (
    _HEAD
    + _ON
    + r"""
if redis.call('HDEL', P .. 'held:' .. me, ARGV[3]) == 1 then
  redis.call('HINCRBY', P .. 'facts', 'products', ARGV[4])
  redis.call('HDEL', P .. 'taken', ARGV[3])
end
return {'on'}
"""
)

# ARGV: ..., page, keys. Take for the page what may be given only once. -> how many keys are the page's
CLAIM = (
    _HEAD
    + _ON
    + r"""
local count = 0
for i = 4, #ARGV do
  if redis.call('HSETNX', P .. 'claims', ARGV[i], ARGV[3]) == 1
      or redis.call('HGET', P .. 'claims', ARGV[i]) == ARGV[3] then
    count = count + 1
  end
end
return {'on', count}
"""
)

# ARGV: ..., site, page, how many products it has, the site's limit. -> how many of them are wanted
TAKE = (
    _HEAD
    + _ON
    + r"""
local counter = 'taken:' .. ARGV[3]
local held = tonumber(redis.call('HGET', P .. 'taken', ARGV[4]) or '0')
local others = tonumber(redis.call('HGET', P .. 'facts', counter) or '0') - held
local count = others < tonumber(ARGV[6]) and tonumber(ARGV[5]) or 0
redis.call('HSET', P .. 'taken', ARGV[4], count)
redis.call('HSET', P .. 'facts', counter, others + count)
return {'on', count}
"""
)

# ARGV: ..., a counter, how much to add, the most. -> 1 if it was added
COUNT = (
    _HEAD
    + _ON
    + r"""
local count = tonumber(redis.call('HGET', P .. 'facts', ARGV[3]) or '0')
if count + tonumber(ARGV[4]) > tonumber(ARGV[5]) then return {'on', 0} end
redis.call('HINCRBY', P .. 'facts', ARGV[3], ARGV[4])
return {'on', 1}
"""
)

# ARGV: ..., name, value. A fact for all workers, written once; -> its value, '' where there is none
TELL = (
    _HEAD
    + _ON
    + r"""
if ARGV[4] ~= '' then redis.call('HSETNX', P .. 'facts', ARGV[3], ARGV[4]) end
return {'on', redis.call('HGET', P .. 'facts', ARGV[3]) or ''}
"""
)

# ARGV: ..., site. Forget what waits; or its length.
CLEAR = _HEAD + _ON + "redis.call('DEL', P .. 'queue:' .. ARGV[3]) return {'on'}"
LENGTH = _HEAD + _ON + "return {'on', redis.call('ZCARD', P .. 'queue:' .. ARGV[3])}"

# ARGV: ..., is it done, keys of seen addresses or of claims. What the worker's own journal holds.
SEED = (
    _HEAD
    + _ON
    + r"""
for i = 4, #ARGV do
  if ARGV[3] == 'seen' then redis.call('SADD', P .. 'seen', ARGV[i])
  else redis.call('HSETNX', P .. 'claims', ARGV[i], me) end
end
redis.call('SADD', P .. 'members', me)
return {'on'}
"""
)

# ARGV: ..., seconds of silence after which a worker is dead, seconds to keep, sites.
# -> how many workers there are, then the pages that were given up
BEAT = (
    _HEAD
    + _ON
    + r"""
local given_up = back_of_dead(tonumber(ARGV[3]))
local sites = {}
for i = 5, #ARGV do table.insert(sites, ARGV[i]) end
redis.call('EXPIRE', head .. 'current', ARGV[4])
for _, key in ipairs(own_keys(sites)) do redis.call('EXPIRE', key, ARGV[4]) end
table.insert(given_up, 1, redis.call('ZCARD', P .. 'workers'))
table.insert(given_up, 1, 'on')
return given_up
"""
)

# ARGV: ... . Nothing is under way here, so what is leased was lost. -> the pages that were given up
LOST = _HEAD + _ON + "local found = back(me, true) table.insert(found, 1, 'on') return found"

# ARGV: ..., seconds to keep, sites. End the crawl if nothing waits or is leased.
END = (
    _HEAD
    + _ON
    + r"""
local sites = {}
for i = 4, #ARGV do
  if redis.call('ZCARD', P .. 'queue:' .. ARGV[i]) > 0 then return {'on'} end
  table.insert(sites, ARGV[i])
end
for _, worker in ipairs(redis.call('ZRANGE', P .. 'workers', 0, -1)) do
  if redis.call('HLEN', P .. 'held:' .. worker) > 0 then return {'on'} end
end
local products = redis.call('HGET', P .. 'facts', 'products') or '0'
redis.call('SET', head .. 'finished:' .. id, products, 'EX', ARGV[3])
redis.call('DEL', head .. 'current')
for _, key in ipairs(own_keys(sites)) do redis.call('UNLINK', key) end
return {'over', products}
"""
)

# The worker ends before the crawl: its leases go back.
LEAVE = _HEAD + _ON + "back(me, false) redis.call('ZREM', P .. 'workers', me) return {'on'}"
