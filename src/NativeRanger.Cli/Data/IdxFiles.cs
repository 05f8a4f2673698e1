using System.Buffers.Binary;
using System.IO.Compression;

namespace NativeRanger.Cli.Data;

/// <summary>Reads MNIST and Fashion-MNIST: four IDX files in one folder, each gzipped (*.gz) or not.</summary>
internal static class IdxFiles
{
    private const int ImagesMagic = 0x803;
    private const int LabelsMagic = 0x801;
    private const double BrightestPixel = 255;

    private static readonly string[] Names =
    [
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    ];

    /// <summary>Reads the training and the test images of a folder.</summary>
    /// <exception cref="UserErrorException">The folder or a file is missing, or a file is not what it should be.</exception>
    public static DataSet Load(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new UserErrorException($"There is no folder '{folder}'.");
        }

        var paths = Names.Select(name => Find(folder, name)).ToArray();
        if (paths.Contains(null))
        {
            var missing = Names.Where((_, i) => paths[i] is null).Select(name => $"{name}[.gz]");
            throw new UserErrorException($"The folder '{folder}' lacks {string.Join(", ", missing)}.");
        }

        var training = Read(paths[0]!, paths[1]!);
        var test = Read(paths[2]!, paths[3]!);
        if (training.Features != test.Features)
        {
            throw new UserErrorException(
                $"The training images in '{folder}' have {training.Features} pixels, the test images {test.Features}."
            );
        }

        var classes = training.Labels.Concat(test.Labels).DefaultIfEmpty(0).Max() + 1;
        var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        return new(name, classes, training, test, SoftmaxOptimum: null);
    }

    private static string? Find(string folder, string name) =>
        new[] { name, $"{name}.gz" }.Select(file => Path.Combine(folder, file)).FirstOrDefault(File.Exists);

    private static Examples Read(string imagesPath, string labelsPath)
    {
        var images = Contents(imagesPath);
        var extents = Header(imagesPath, images, ImagesMagic, dimensions: 3);
        var labels = Contents(labelsPath);
        var count = Header(labelsPath, labels, LabelsMagic, dimensions: 1)[0];
        if (extents[0] != count)
        {
            throw new UserErrorException(
                $"'{imagesPath}' has {extents[0]} images, but '{labelsPath}' has {count} labels."
            );
        }

        if (count == 0)
        {
            throw new UserErrorException($"'{imagesPath}' has no images.");
        }

        return new(
            images[HeaderLength(dimensions: 3)..],
            [.. labels.Skip(HeaderLength(dimensions: 1)).Select(label => (int)label)],
            BrightestPixel
        );
    }

    private static byte[] Contents(string path)
    {
        try
        {
            using Stream file = File.OpenRead(path);
            using var stream = path.EndsWith(".gz", StringComparison.Ordinal)
                ? new GZipStream(file, CompressionMode.Decompress)
                : file;
            using var memory = new MemoryStream();
            stream.CopyTo(memory);
            return memory.ToArray();
        }
        catch (Exception exception)
            when (exception is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"'{path}' cannot be read: {exception.Message}");
        }
    }

    /// <summary>The extents in the header; the file must hold exactly the bytes that they multiply to.</summary>
    private static int[] Header(string path, byte[] contents, int magic, int dimensions)
    {
        if (contents.Length < HeaderLength(dimensions) || BinaryPrimitives.ReadInt32BigEndian(contents) != magic)
        {
            throw new UserErrorException($"'{path}' is not an IDX file of {dimensions}-dimensional bytes.");
        }

        var extents = new int[dimensions];
        var elements = 1d;
        for (var i = 0; i < dimensions; i++)
        {
            extents[i] = BinaryPrimitives.ReadInt32BigEndian(contents.AsSpan(sizeof(int) * (i + 1)));
            elements *= extents[i];
        }

        var present = contents.Length - HeaderLength(dimensions);
        return extents.All(extent => extent >= 0) && elements == present
            ? extents
            : throw new UserErrorException(
                $"'{path}' should hold {string.Join(" × ", extents)} bytes after its header; it holds {present}."
            );
    }

    private static int HeaderLength(int dimensions) => sizeof(int) * (1 + dimensions);
}
