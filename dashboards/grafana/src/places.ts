// Where each of the province's 54 units is drawn on the map: the centre of its largest piece of land, or, where that
// lies outside it, the middle of its widest stretch at that latitude. From the boundaries of thanglequoc/vietnamese-provinces-database
// v4.2.0 (MIT, packaging/data/sites/README.md). Another province puts its own places here and generates anew.
export interface Place {
  code: string;  // label `site`
  name: string;
  latitude: number;  // degrees, WGS 84
  longitude: number;
}

const rows: [string, string, number, number][] = [
  ['06652', 'Phường Hà Tu', 20.963, 107.159],
  ['06658', 'Phường Cao Xanh', 21, 107.124],
  ['06661', 'Phường Việt Hưng', 20.99, 106.98],
  ['06673', 'Phường Bãi Cháy', 20.962, 107.032],
  ['06676', 'Phường Hà Lầm', 20.967, 107.116],
  ['06685', 'Phường Hồng Gai', 20.954, 107.078],
  ['06688', 'Phường Hạ Long', 20.947, 107.116],
  ['06706', 'Phường Tuần Châu', 20.975, 106.929],
  ['06709', 'Phường Móng Cái 2', 21.492, 107.948],
  ['06712', 'Phường Móng Cái 1', 21.504, 108.003],
  ['06724', 'Xã Hải Sơn', 21.608, 107.818],
  ['06733', 'Xã Hải Ninh', 21.541, 107.799],
  ['06736', 'Phường Móng Cái 3', 21.54, 107.898],
  ['06757', 'Xã Vĩnh Thực', 21.374, 107.917],
  ['06760', 'Phường Mông Dương', 21.095, 107.282],
  ['06778', 'Phường Quang Hanh', 20.999, 107.212],
  ['06781', 'Phường Cửa Ông', 21.023, 107.337],
  ['06793', 'Phường Cẩm Phả', 21.019, 107.288],
  ['06799', 'Xã Hải Hòa', 21.145, 107.363],
  ['06811', 'Phường Uông Bí', 21.025, 106.766],
  ['06820', 'Phường Vàng Danh', 21.087, 106.81],
  ['06832', 'Phường Yên Tử', 21.086, 106.729],
  ['06838', 'Xã Bình Liêu', 21.517, 107.387],
  ['06841', 'Xã Hoành Mô', 21.577, 107.53],
  ['06856', 'Xã Lục Hồn', 21.574, 107.438],
  ['06862', 'Xã Tiên Yên', 21.376, 107.394],
  ['06874', 'Xã Điền Xá', 21.434, 107.291],
  ['06877', 'Xã Đông Ngũ', 21.372, 107.466],
  ['06886', 'Xã Hải Lạng', 21.265, 107.384],
  ['06895', 'Xã Đầm Hà', 21.345, 107.601],
  ['06913', 'Xã Quảng Tân', 21.418, 107.545],
  ['06922', 'Xã Quảng Hà', 21.44, 107.751],
  ['06931', 'Xã Quảng Đức', 21.549, 107.71],
  ['06946', 'Xã Đường Hoa', 21.493, 107.634],
  ['06967', 'Xã Cái Chiên', 21.329, 107.77],
  ['06978', 'Xã Ba Chẽ', 21.253, 107.252],
  ['06979', 'Xã Kỳ Thượng', 21.266, 107.131],
  ['06985', 'Xã Lương Minh', 21.213, 107.029],
  ['06994', 'Đặc khu Vân Đồn', 21.158, 107.473],
  ['07030', 'Phường Hoành Bồ', 21.067, 106.985],
  ['07054', 'Xã Quảng La', 21.109, 106.885],
  ['07060', 'Xã Thống Nhất', 21.083, 107.125],
  ['07069', 'Phường Mạo Khê', 21.068, 106.589],
  ['07081', 'Phường Bình Khê', 21.129, 106.626],
  ['07090', 'Phường An Sinh', 21.153, 106.521],
  ['07093', 'Phường Đông Triều', 21.08, 106.493],
  ['07114', 'Phường Hoàng Quế', 21.055, 106.664],
  ['07132', 'Phường Quảng Yên', 20.939, 106.824],
  ['07135', 'Phường Đông Mai', 21, 106.855],
  ['07147', 'Phường Hiệp Hòa', 20.968, 106.81],
  ['07168', 'Phường Hà An', 20.926, 106.886],
  ['07180', 'Phường Liên Hòa', 20.86, 106.825],
  ['07183', 'Phường Phong Cốc', 20.897, 106.788],
  ['07192', 'Đặc khu Cô Tô', 20.99, 107.756],
];

export const places: Place[] = rows.map(([code, name, latitude, longitude]) => ({ code, name, latitude, longitude }));
