// What part of a drawing is seen: dragging, the wheel with Ctrl, keys and buttons change it.
export interface Size { width: number; height: number }
export interface View { x: number; y: number; scale: number }

const LEAST = 0.04, MOST = 2, MARGIN = 16;

// The whole drawing, never larger than it is.
export function fitted(drawing: Size, frame: Size): View {
  const scale = Math.max(LEAST, Math.min(1,
    (frame.width - 2 * MARGIN) / Math.max(drawing.width, 1),
    (frame.height - 2 * MARGIN) / Math.max(drawing.height, 1)));
  return {
    scale,
    x: Math.max(MARGIN, (frame.width - drawing.width * scale) / 2),
    y: Math.max(MARGIN, (frame.height - drawing.height * scale) / 2),
  };
}

// A point of the drawing at a point of the frame.
export function around(point: { x: number; y: number }, at: { x: number; y: number },
                       scale: number): View {
  return { scale, x: at.x - point.x * scale, y: at.y - point.y * scale };
}

export function zoomed(view: View, factor: number, at: { x: number; y: number }): View {
  const scale = Math.max(LEAST, Math.min(MOST, view.scale * factor));
  return around({ x: (at.x - view.x) / view.scale, y: (at.y - view.y) / view.scale }, at, scale);
}

// Moved as little as shows the whole box.
export function showing(view: View, box: { x: number; y: number } & Size, frame: Size): View {
  const shift = (start: number, length: number, room: number): number =>
    start < MARGIN || length > room ? MARGIN - start
      : start + length > room - MARGIN ? room - MARGIN - start - length : 0;
  return {
    scale: view.scale,
    x: view.x + shift(view.x + box.x * view.scale, box.width * view.scale, frame.width),
    y: view.y + shift(view.y + box.y * view.scale, box.height * view.scale, frame.height),
  };
}

// Moved so that no room is left empty on one side while something is cut off at the other.
export function filling(view: View, drawing: Size, frame: Size): View {
  const inside = (at: number, length: number, room: number): number =>
    length <= room - 2 * MARGIN ? (room - length) / 2
      : Math.min(MARGIN, Math.max(room - MARGIN - length, at));
  return {
    scale: view.scale,
    x: inside(view.x, drawing.width * view.scale, frame.width),
    y: inside(view.y, drawing.height * view.scale, frame.height),
  };
}
