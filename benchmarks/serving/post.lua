-- wrk posts the bodies of a folder one after the other: wrk ... -s post.lua URL -- FOLDER TYPE [check]
-- With `check`, every answer must be 200 and name a probability; that costs wrk time, so that it is
-- done in a run before the one that counts. Prints one line of JSON.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(arguments)
  bad = 0
  local folder = arguments[1]
  local headers = { ["Content-Type"] = arguments[2] }
  local requests, sent = {}, 0
  for name in io.lines(folder .. "/names.txt") do
    local file = assert(io.open(folder .. "/" .. name, "rb"))
    table.insert(requests, wrk.format("POST", nil, headers, file:read("*a")))
    file:close()
  end
  function request()
    sent = sent + 1
    return requests[sent % #requests + 1]
  end
  if arguments[3] == "check" then
    function response(status, _, body)
      if status ~= 200 or not body:find('"probability"', 1, true) then
        bad = bad + 1
        example = tostring(status) .. " " .. body:sub(1, 300)
      end
    end
  end
end

function done(summary, latency)
  local bad, example = 0, ""
  for _, thread in ipairs(threads) do
    bad = bad + thread:get("bad")
    example = thread:get("example") or example
  end
  local errors = summary.errors
  io.write(string.format(
    '{"seconds": %.6f, "requests": %d, "bytes": %d, "p50_ms": %.3f, "p99_ms": %.3f,'
      .. ' "mean_ms": %.3f, "not_200": %d, "failed": %d, "bad": %d, "example": "%s"}\n',
    summary.duration / 1e6, summary.requests, summary.bytes, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, latency.mean / 1e3, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout, bad,
    example:gsub('[^%w%p ]', " "):gsub('[\\"]', "'")))
end
