"use strict";
// The charts: drawn by uPlot from the figures that the page carries. Everything else works without this.
(() => {
  const HUES = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442"];
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const digits = (value) => (value === null || value === undefined ? "–" : Number(value).toLocaleString("en", { minimumFractionDigits: 4, maximumFractionDigits: 4 }));
  const two = (n) => String(n).padStart(2, "0");
  const time = (seconds) => {
    const at = new Date(seconds * 1000);
    return `${at.getUTCFullYear()}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())} ${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`;
  };

  function score(host) {
    const data = JSON.parse(document.getElementById("lines").textContent);
    const reading = document.getElementById("reading");
    const said = host.dataset;
    let plot = null;

    const draw = () => {
      if (plot) plot.destroy();
      const ink = colour("--ink"), quiet = colour("--quiet"), rule = colour("--rule"), line = colour("--line");
      const label = (u, splits) => {
        const span = u.scales.x.max - u.scales.x.min;
        return splits.map((s) => {
          const text = time(s);
          return span > 40 * 86400 ? text.slice(0, 10) : text.endsWith("00:00") ? text.slice(5, 10) : text.slice(11);
        });
      };
      const axis = { stroke: quiet, grid: { stroke: rule, width: 1 }, ticks: { stroke: rule, width: 1 }, font: "12px system-ui, sans-serif" };
      // The chart stands above the strips: what is above each other happened at the same time.
      const track = document.querySelector(".strips .track")?.getBoundingClientRect(), own = host.getBoundingClientRect();
      const left = Math.max(44, track ? track.left - own.left : 56), right = Math.max(24, track ? own.right - track.right : 24);
      const series = [{}, { label: said.champion, stroke: line, width: 2.5, points: { size: 4 } }];
      const columns = [data.times, data.champion];
      for (const one of data.challengers) {
        series.push({ label: one.name, stroke: HUES[one.hue], width: 1.2, dash: [4, 3], points: { size: 3 } });
        columns.push(one.scores);
      }
      series.push({ stroke: "transparent", points: { show: false } }, { stroke: "transparent", points: { show: false } });
      columns.push(data.low, data.high);
      const last = columns.length - 1;
      const best = (u) => {
        if (data.best === null) return;
        const y = u.valToPos(data.best, "y", true);
        if (y < u.bbox.top || y > u.bbox.top + u.bbox.height) return;
        u.ctx.save();
        u.ctx.strokeStyle = ink;
        u.ctx.setLineDash([8, 6]);
        u.ctx.lineWidth = devicePixelRatio * 1.2;
        u.ctx.beginPath();
        u.ctx.moveTo(u.bbox.left, y);
        u.ctx.lineTo(u.bbox.left + u.bbox.width, y);
        u.ctx.stroke();
        u.ctx.restore();
      };
      plot = new uPlot({
        width: host.clientWidth, height: host.clientHeight, padding: [12, right, 0, 0], legend: { show: false }, tzDate: (s) => uPlot.tzDate(new Date(s * 1000), "Etc/UTC"),
        cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 7 } },
        scales: {
          x: { time: true, range: [data.from, data.to] },
          y: { range: (u, low, high) => {
            if (data.best !== null) { low = Math.min(low, data.best); high = Math.max(high, data.best); }
            const room = (high - low || Math.abs(high) || 1) * 0.08;
            return [low - room, high + room];
          } },
        },
        axes: [{ ...axis, values: label }, { ...axis, size: left }],
        series,
        bands: [{ series: [last, last - 1], fill: line + "26" }],
        hooks: {
          draw: [best],
          setCursor: [(u) => tell(u.cursor.idx)],
          setSelect: [(u) => {
            if (u.select.width < 8) return;
            const address = new URL(said.range, location.href);
            address.searchParams.set("start", new Date(Math.floor(u.posToVal(u.select.left, "x")) * 1000).toISOString());
            address.searchParams.set("end", new Date(Math.ceil(u.posToVal(u.select.left + u.select.width, "x")) * 1000).toISOString());
            location.assign(address);
          }],
        },
      }, columns, host);
    };

    let told = null;
    const tell = (at) => {
      if (at === null || at === undefined || at === told) return;
      told = at;
      const parts = [time(data.times[at] - data.width / 2)];
      if (data.cycles[at] > 1) parts.push(said.mean.replace("{n}", data.cycles[at]));
      parts.push(`${data.served[at] ?? said.champion} ${said.metric} ${digits(data.champion[at])}`);
      for (const one of data.challengers) if (one.scores[at] !== null) parts.push(`${one.name} ${digits(one.scores[at])}`);
      if (data.drifted[at]) parts.push(said.drifted.replace("{n}", data.drifted[at]));
      reading.textContent = parts.join(" · ");
      host.setAttribute("aria-valuenow", at);
      host.setAttribute("aria-valuetext", reading.textContent);
    };
    host.addEventListener("keydown", (event) => {
      const last = data.times.length - 1, now = told ?? last;
      const to = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: last, PageUp: now - 10, PageDown: now + 10 }[event.key];
      if (to === undefined || !plot) return;
      event.preventDefault();
      const at = Math.min(Math.max(to, 0), last);
      plot.setCursor({ left: plot.valToPos(data.times[at], "x"), top: 10 });
      tell(at);
    });
    draw();
    let width = host.clientWidth;
    new ResizeObserver(() => {
      if (host.clientWidth !== width) { width = host.clientWidth; draw(); }
    }).observe(host);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  }

  const begin = () => {
    const host = document.getElementById("chart");
    if (host && window.uPlot && !host.firstChild) score(host);
  };
  begin();

  // A replay that runs, told of as it goes; what a screen reader says of it, no more often than every ten seconds.
  const live = document.getElementById("live");
  if (live) {
    const said = document.getElementById("live-said");
    let last = 0;
    const source = new EventSource(live.dataset.events);
    source.addEventListener("progress", (event) => {
      const at = live.querySelector(".scroll")?.scrollLeft ?? 0, focused = live.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
      live.innerHTML = event.data;
      const scroll = live.querySelector(".scroll");
      if (scroll) scroll.scrollLeft = at;
      if (focused) live.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
      if (Date.now() - last > 10000) {
        last = Date.now();
        said.textContent = [live.querySelector("[data-say]"), live.querySelector("[data-done]")].map((one) => one?.textContent.trim()).filter(Boolean).join(" ");
      }
    });
    source.addEventListener("error", () => { said.textContent = live.dataset.lost; });
    addEventListener("pagehide", () => source.close());
  }

  // A database that is gone is looked for until it is there.
  const again = document.querySelector("[data-again]");
  if (again) {
    setInterval(() => fetch(location.href).then((answer) => answer.ok && location.reload()).catch(() => {}), 1000 * again.dataset.again);
  }

  // A change may take as long as a training: it is asked for once, and said so.
  for (const form of document.querySelectorAll("form[data-busy]")) {
    form.addEventListener("submit", () => {
      form.querySelector(".busy").textContent = form.dataset.busy;
      setTimeout(() => form.querySelectorAll("button").forEach((button) => (button.disabled = true)));
    });
  }
})();
