"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);

  // The time line: a line across all charts, and what it stands on in words.
  const timeline = byId("timeline");
  const tracks = [...timeline.querySelectorAll(".track")];
  const crosses = tracks.map((track) => {
    const cross = document.createElement("div");
    cross.className = "cross";
    cross.hidden = true;
    track.append(cross);
    return cross;
  });
  let read = -1;

  const nearest = (items, percent) => {
    let best = 0;
    items.forEach((item, at) => {
      if (Math.abs(item[0] - percent) < Math.abs(items[best][0] - percent)) best = at;
    });
    return best;
  };

  const show = (at) => {
    read = Math.max(0, Math.min(data.readings.length - 1, at));
    const [percent, text] = data.readings[read];
    byId("reading").textContent = text;
    for (const cross of crosses) {
      cross.hidden = false;
      cross.style.left = `${percent}%`;
    }
  };

  if (data.readings.length) {
    const point = (event) => {
      const box = tracks[0].getBoundingClientRect();
      const percent = ((event.clientX - box.left) / box.width) * 100;
      if (percent >= 0 && percent <= 100) show(nearest(data.readings, percent));
    };
    timeline.addEventListener("pointermove", point);
    timeline.addEventListener("pointerdown", (event) => {
      point(event);
      if (read >= 0) seekTo(data.readings[read][0]);
    });
    timeline.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      event.preventDefault();
      show(read < 0 ? 0 : read + step);
      seekTo(data.readings[read][0]);
    });
  }

  // The scale: all there is, or the champion's part of it.
  const closer = byId("closer");
  if (closer) {
    const whole = byId("scores").getAttribute("viewBox");
    closer.hidden = false;
    closer.addEventListener("click", () => {
      const near = closer.getAttribute("aria-pressed") !== "true";
      closer.setAttribute("aria-pressed", String(near));
      byId("scores").setAttribute("viewBox", near ? closer.dataset.box : whole);
      for (const line of timeline.querySelectorAll(".grid.whole")) line.hidden = near;
      for (const line of timeline.querySelectorAll(".grid.closer")) line.hidden = !near;
    });
  }

  // The pictures: one after the other, by hand or by themselves.
  let seekTo = () => {};
  if (data.frames.length > 1) {
    const [seek, play] = [byId("seek"), byId("play")];
    let timer = 0;
    const turn = (at) => {
      seek.value = at;
      const [percent, label, source] = data.frames[at];
      byId("frame").src = source;
      byId("frame").alt = `Picture of ${label} UTC`;
      byId("shown").textContent = label;
      seek.setAttribute("aria-valuetext", label);
      return percent;
    };
    const stop = () => {
      clearInterval(timer);
      timer = 0;
      play.textContent = "Play";
      play.setAttribute("aria-pressed", "false");
    };
    byId("player").hidden = false;
    seek.addEventListener("input", () => {
      stop();
      const percent = turn(Number(seek.value));
      if (data.readings.length) show(nearest(data.readings, percent));
    });
    play.addEventListener("click", () => {
      if (timer) return stop();
      play.textContent = "Pause";
      play.setAttribute("aria-pressed", "true");
      timer = setInterval(() => turn((Number(seek.value) + 1) % data.frames.length), 250);
    });
    seekTo = (percent) => {
      stop();
      turn(nearest(data.frames, percent));
    };
  }

  // The table: a page at a time.
  if (data.rows.length) {
    const classes = {
      Score: "number", "First model": "number", Rows: "number", "Seconds of steps": "number", Reasons: "reasons",
      Champion: "name", Drift: "labels", Challengers: "labels",
    };
    let [page, chosen] = [0, data.rows];
    const cell = (tag, text, kind) => {
      const made = document.createElement(tag);
      if (kind) made.className = kind;
      if ((kind === "reasons" || kind === "labels") && text.length > 60) {
        const long = document.createElement("div");
        long.className = "long";
        long.tabIndex = 0;
        long.textContent = text;
        made.append(long);
      } else made.textContent = text;
      if (tag === "th") made.scope = "row";
      return made;
    };
    const fill = () => {
      const last = Math.max(0, Math.ceil(chosen.length / data.perPage) - 1);
      page = Math.max(0, Math.min(last, page));
      const from = page * data.perPage;
      const part = chosen.slice(from, from + data.perPage);
      byId("rows").replaceChildren(...part.map((texts) => {
        const line = document.createElement("tr");
        data.columns.forEach((name, at) => {
          line.append(cell(at ? "td" : "th", texts[at], classes[name]));
        });
        return line;
      }));
      byId("place").textContent = chosen.length
        ? `${from + 1} to ${from + part.length} of ${chosen.length.toLocaleString("en")}`
        : "no such cycle";
      byId("newer").disabled = page === 0;
      byId("older").disabled = page === last;
    };
    byId("controls").hidden = false;
    byId("newer").addEventListener("click", () => { page -= 1; fill(); });
    byId("older").addEventListener("click", () => { page += 1; fill(); });
    byId("kind").addEventListener("change", (event) => {
      const kind = event.target.value;
      chosen = kind ? data.rows.filter((texts) => texts[data.columns.length].includes(kind)) : data.rows;
      page = 0;
      fill();
    });
    fill();
  }
})();
