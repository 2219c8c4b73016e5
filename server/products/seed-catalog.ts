/** What the products of one category are made of. Every word list is combined with every other. */
export interface SeedCategory {
  readonly slug: string
  readonly name: string
  /** Its share of all products, against the others' weights. */
  readonly weight: number
  /** What most of its products cost about. */
  readonly typicalPriceCents: number
  readonly brands: readonly string[]
  readonly kinds: readonly string[]
  readonly nouns: readonly string[]
  readonly variants: readonly string[]
  readonly features: readonly string[]
}

const words = (text: string): readonly string[] => text.split(', ')

/** The 24 categories of the bundled shop. An order or a word changed here changes every database made after it. */
export const seedCatalog: readonly SeedCategory[] = [
  {
    slug: 'coffee',
    name: 'Coffee',
    weight: 9,
    typicalPriceCents: 1450,
    brands: words('Harbour Roast, Kiln & Kettle, Blue Heron, Third Bell, Alder Lane, Northgate'),
    kinds: words('Ethiopian, Colombian, Guatemalan, Kenyan, Sumatran, House, Decaf, Single Estate'),
    nouns: words('Espresso Beans, Filter Beans, Ground Coffee, Cold Brew Blend, Breakfast Blend'),
    variants: words('250 g, 500 g, 1 kg, Box of 10'),
    features: words(
      'Notes of cocoa and cherry, Roasted in small batches, Washed and dried in the sun, Low in acidity, Sealed on the day of roasting, Bright and floral',
    ),
  },
  {
    slug: 'tea',
    name: 'Tea',
    weight: 7,
    typicalPriceCents: 980,
    brands: words('Willow & Stone, Eastgate Tea, Morning Ridge, The Leaf Room, Ostara, Penhallow'),
    kinds: words('Organic, First Flush, Smoked, Spiced, Mountain, Jasmine, Evening, Classic'),
    nouns: words('Green Tea, Black Tea, Oolong, White Tea, Rooibos, Herbal Infusion'),
    variants: words('20 Bags, 50 Bags, 100 g Tin, 250 g Pouch'),
    features: words(
      'Picked by hand, Rich in body, Naturally free of caffeine, Grown without pesticides, Best without milk, Packed in a tin that closes well',
    ),
  },
  {
    slug: 'headphones',
    name: 'Headphones',
    weight: 6,
    typicalPriceCents: 12_900,
    brands: words('Auralis, Tonewood, Kestrel Audio, Lumen, Parallax, Drumlin'),
    kinds: words('Wireless, Studio, Noise-Cancelling, Open-Back, Sport, Compact'),
    nouns: words('Headphones, Earbuds, Headset, In-Ear Monitors'),
    variants: words('Black, White, Graphite, Sand, Midnight Blue'),
    features: words(
      'Thirty hours on one charge, Folds flat, Replaceable ear pads, Balanced sound, Two devices at once, Microphone with wind filter',
    ),
  },
  {
    slug: 'keyboards',
    name: 'Keyboards',
    weight: 5,
    typicalPriceCents: 9400,
    brands: words('Keystead, Northpaw, Typeline, Clackworth, Lumen, Obelisk'),
    kinds: words('Mechanical, Low-Profile, Wireless, Split, Compact, Silent'),
    nouns: words('Keyboard, 75% Keyboard, 60% Keyboard, Number Pad'),
    variants: words('Linear, Tactile, Clicky, ISO Layout, ANSI Layout'),
    features: words(
      'Hot-swappable switches, Keycaps that do not shine, USB-C and Bluetooth, Aluminium case, Programmable layers, Adjustable feet',
    ),
  },
  {
    slug: 'monitors',
    name: 'Monitors',
    weight: 4,
    typicalPriceCents: 34_900,
    brands: words('Parallax, Vantage, Clearfield, Obelisk, Orison'),
    kinds: words('4K, Ultrawide, Curved, Colour-Accurate, Portable, Office'),
    nouns: words('Monitor, Display, USB-C Monitor, Touch Display'),
    variants: words('24 inch, 27 inch, 32 inch, 34 inch'),
    features: words(
      'Height can be adjusted, Flicker-free backlight, One cable for picture and power, Matt panel, Calibrated in the factory',
    ),
  },
  {
    slug: 'laptops',
    name: 'Laptops',
    weight: 3,
    typicalPriceCents: 109_000,
    brands: words('Orison, Vantage, Tarn, Meridian, Obelisk'),
    kinds: words('Slim, Rugged, Convertible, Everyday, Developer, Silent'),
    nouns: words('Laptop, Notebook, Ultrabook, Workstation'),
    variants: words('13 inch 16 GB, 14 inch 16 GB, 14 inch 32 GB, 16 inch 32 GB, 16 inch 64 GB'),
    features: words(
      'Battery that can be replaced, All-day battery, Keyboard with light, Two USB-C ports, Magnesium body, Opens with one hand',
    ),
  },
  {
    slug: 'cameras',
    name: 'Cameras',
    weight: 3,
    typicalPriceCents: 62_000,
    brands: words('Lumen, Halide, Kestrel, Farsight, Pinhole & Co'),
    kinds: words('Mirrorless, Compact, Instant, Weatherproof, Travel, Full-Frame'),
    nouns: words('Camera, Camera Body, Camera Kit, Action Camera'),
    variants: words('Black, Silver, with 35 mm Lens, with 24-70 mm Lens'),
    features: words(
      'Stabilised sensor, Two card slots, Screen that tilts, Charges over USB-C, Quiet shutter',
    ),
  },
  {
    slug: 'bicycles',
    name: 'Bicycles',
    weight: 3,
    typicalPriceCents: 89_000,
    brands: words('Ridgeway, Veloce & Son, Polder, Switchback, Tern Hill'),
    kinds: words('Steel, Electric, Gravel, City, Folding, Touring'),
    nouns: words('Bicycle, Commuter, Road Bike, Cargo Bike'),
    variants: words('Size S, Size M, Size L, Size XL'),
    features: words(
      'Disc brakes, Mounts for racks and mudguards, Gears in the hub, Lights that never need charging, Frame with lifetime guarantee',
    ),
  },
  {
    slug: 'tents',
    name: 'Tents',
    weight: 3,
    typicalPriceCents: 27_500,
    brands: words('Fellside, Boreal, Lean-To, High Moor, Cairn'),
    kinds: words('Ultralight, Four-Season, Family, Trekking-Pole, Tunnel, Dome'),
    nouns: words('Tent, Shelter, Tarp Tent'),
    variants: words('1 Person, 2 Persons, 3 Persons, 4 Persons, 6 Persons'),
    features: words(
      'Pitches in five minutes, Taped seams, Porch with room for boots, Poles of aluminium, Inner tent of mesh',
    ),
  },
  {
    slug: 'backpacks',
    name: 'Backpacks',
    weight: 5,
    typicalPriceCents: 8900,
    brands: words('Fellside, Cairn, Haversack Co, Boreal, Portside'),
    kinds: words('Roll-Top, Hiking, Commuter, Waxed Canvas, Travel, Ultralight'),
    nouns: words('Backpack, Daypack, Rucksack, Sling'),
    variants: words('12 l, 20 l, 28 l, 40 l, 55 l'),
    features: words(
      'Sleeve for a laptop, Waterproof zips, Padded hip belt, Pockets for two bottles, Repaired for free for life',
    ),
  },
  {
    slug: 'shoes',
    name: 'Shoes',
    weight: 7,
    typicalPriceCents: 9900,
    brands: words('Strand, Larkspur, Tern Hill, Cobbler & Daughter, Quickstep'),
    kinds: words('Running, Trail, Leather, Canvas, Waterproof, Everyday'),
    nouns: words('Shoes, Trainers, Boots, Sandals'),
    variants: words('EU 37, EU 38, EU 39, EU 40, EU 41, EU 42, EU 43, EU 44'),
    features: words(
      'Wide toe box, Sole that can be renewed, Light as a feather, Grip on wet stone, Lined with wool, Comes with spare laces',
    ),
  },
  {
    slug: 'jackets',
    name: 'Jackets',
    weight: 5,
    typicalPriceCents: 15_900,
    brands: words('Boreal, High Moor, Larkspur, Portside, Weatherby'),
    kinds: words('Rain, Down, Fleece, Softshell, Waxed, Padded'),
    nouns: words('Jacket, Parka, Vest, Anorak'),
    variants: words('XS, S, M, L, XL, XXL'),
    features: words(
      'Hood with stiffened brim, Two-way zip, Recycled outer fabric, Packs into its own pocket, Vents under the arms',
    ),
  },
  {
    slug: 'watches',
    name: 'Watches',
    weight: 4,
    typicalPriceCents: 21_500,
    brands: words('Meridian, Escapement, Harbour Time, Orison, Solstice'),
    kinds: words('Automatic, Field, Diver, Solar, Dress, Chronograph'),
    nouns: words('Watch, Wristwatch, Travel Watch'),
    variants: words('36 mm, 38 mm, 40 mm, 42 mm, Steel Bracelet, Leather Strap'),
    features: words(
      'Sapphire crystal, Water-resistant to 100 m, Hands that glow, Strap changed without tools, Runs for three days',
    ),
  },
  {
    slug: 'lamps',
    name: 'Lamps',
    weight: 4,
    typicalPriceCents: 7800,
    brands: words('Lumen, Nocturne, Glasshouse, Bright & Bell, Fjord'),
    kinds: words('Brass, Paper, Dimmable, Ceramic, Reading, Clip-On'),
    nouns: words('Desk Lamp, Floor Lamp, Table Lamp, Pendant'),
    variants: words('Black, White, Ochre, Forest Green'),
    features: words(
      'Warm light, Arm that stays where it is put, Cable covered in fabric, LED that can be replaced, Touch dimmer',
    ),
  },
  {
    slug: 'chairs',
    name: 'Chairs',
    weight: 4,
    typicalPriceCents: 24_900,
    brands: words('Fjord, Oakhurst, Sedum, Plain & Sons, Atelier Nord'),
    kinds: words('Oak, Ergonomic, Upholstered, Stackable, Folding, Rattan'),
    nouns: words('Chair, Armchair, Office Chair, Stool, Bench'),
    variants: words('Natural, Black, Grey Wool, Cognac Leather'),
    features: words(
      'Solid joints, Support for the lower back, Oiled by hand, Felt under the feet, Ready in ten minutes',
    ),
  },
  {
    slug: 'desks',
    name: 'Desks',
    weight: 3,
    typicalPriceCents: 42_000,
    brands: words('Fjord, Oakhurst, Atelier Nord, Upright, Plain & Sons'),
    kinds: words('Standing, Oak, Corner, Wall-Mounted, Compact, Walnut'),
    nouns: words('Desk, Writing Desk, Workbench, Secretary'),
    variants: words('100 cm, 120 cm, 140 cm, 160 cm, 180 cm'),
    features: words(
      'Tray for cables, Two motors, Drawer with soft close, Legs that level an old floor, Top of one piece',
    ),
  },
  {
    slug: 'cookware',
    name: 'Cookware',
    weight: 6,
    typicalPriceCents: 6400,
    brands: words('Hearth & Iron, Copperhill, Larder, Brasserie 9, Tavola'),
    kinds: words('Cast-Iron, Stainless, Copper, Enamelled, Carbon-Steel, Non-Stick'),
    nouns: words('Frying Pan, Saucepan, Casserole, Wok, Stockpot, Griddle'),
    variants: words('18 cm, 20 cm, 24 cm, 28 cm, 32 cm'),
    features: words(
      'Works on induction, Handle that stays cool, Goes into the oven, Lid included, Seasoned and ready, Pours without a drip',
    ),
  },
  {
    slug: 'knives',
    name: 'Kitchen Knives',
    weight: 4,
    typicalPriceCents: 8200,
    brands: words('Copperhill, Larder, Sakai House, Edgewood, Tavola'),
    kinds: words('Forged, Damascus, Carbon-Steel, Serrated, Stainless, Olive-Wood'),
    nouns: words("Chef's Knife, Paring Knife, Bread Knife, Santoku, Cleaver"),
    variants: words('9 cm, 13 cm, 17 cm, 20 cm, 24 cm'),
    features: words(
      'Holds its edge, Full tang, Balanced at the bolster, Comes in a wooden sheath, Sharpened by hand',
    ),
  },
  {
    slug: 'books',
    name: 'Notebooks & Books',
    weight: 7,
    typicalPriceCents: 1900,
    brands: words('Quarto Press, Inkwell, Second Shelf, Marginalia, Lantern House'),
    kinds: words('Illustrated, Pocket, Linen-Bound, Annotated, Dotted, Ruled'),
    nouns: words('Notebook, Field Guide, Cookbook, Atlas, Diary, Sketchbook'),
    variants: words('A6, A5, A4, Second Edition, Boxed Set'),
    features: words(
      'Opens flat, Paper that takes ink, Sewn and not glued, Ribbon to mark the page, Printed close to home',
    ),
  },
  {
    slug: 'games',
    name: 'Board Games',
    weight: 5,
    typicalPriceCents: 3600,
    brands: words('Meeple Court, Ninth Square, Tabletop Union, Lantern House, Odd Dice'),
    kinds: words('Cooperative, Strategy, Family, Travel, Word, Two-Player'),
    nouns: words('Board Game, Card Game, Dice Game, Puzzle'),
    variants: words('First Edition, Expansion, Deluxe, 500 Pieces, 1000 Pieces'),
    features: words(
      'Explained in five minutes, Plays in under an hour, From eight years on, Wooden pieces, New every time',
    ),
  },
  {
    slug: 'plants',
    name: 'Plants',
    weight: 4,
    typicalPriceCents: 2400,
    brands: words('Glasshouse, Sedum, Fern & Field, The Potting Shed, Arbour'),
    kinds: words('Trailing, Variegated, Flowering, Desert, Hardy, Miniature'),
    nouns: words('Fern, Monstera, Succulent, Olive Tree, Herb Set, Orchid'),
    variants: words('9 cm Pot, 12 cm Pot, 17 cm Pot, 24 cm Pot'),
    features: words(
      'Forgives a missed watering, Likes a north window, Safe for cats, Grown in peat-free soil, Packed so that it arrives upright',
    ),
  },
  {
    slug: 'bedding',
    name: 'Bedding',
    weight: 4,
    typicalPriceCents: 7900,
    brands: words('Larkspur, Nocturne, Linen House, Eider & Co, Slowmade'),
    kinds: words('Linen, Percale, Wool, Down, Flannel, Organic Cotton'),
    nouns: words('Duvet, Pillow, Sheet, Blanket, Duvet Cover'),
    variants: words('Single, Double, King, White, Sage, Terracotta'),
    features: words(
      'Softer with every wash, Cool in summer, Closes with buttons, Woven in one piece, Dries within an hour',
    ),
  },
  {
    slug: 'skincare',
    name: 'Skincare',
    weight: 5,
    typicalPriceCents: 2200,
    brands: words('Ostara, Sedum, Plain Apothecary, Salt & Clay, Arbour'),
    kinds: words('Calming, Hydrating, Unscented, Rose, Mineral, Overnight'),
    nouns: words('Face Cream, Serum, Cleanser, Hand Balm, Sunscreen, Soap'),
    variants: words('30 ml, 50 ml, 100 ml, 200 ml, Refill'),
    features: words(
      'Without perfume, Tested by dermatologists, Absorbed within a minute, In a glass bottle, For dry skin, Vegan',
    ),
  },
  {
    slug: 'toys',
    name: 'Toys',
    weight: 5,
    typicalPriceCents: 2700,
    brands: words('Woodlark, Odd Dice, Tumbledown, Little Foundry, Kite & Cloud'),
    kinds: words('Wooden, Magnetic, Plush, Stacking, Musical, Outdoor'),
    nouns: words('Train, Building Blocks, Animal Set, Puzzle, Kite, Marble Run'),
    variants: words('Small, Large, 12 Pieces, 36 Pieces, 60 Pieces'),
    features: words(
      'Rounded edges, From three years on, Paint on water basis, Fits what you already have, No batteries needed',
    ),
  },
]
