using System.Buffers.Binary;
using System.IO.Compression;
using NativeRanger.Cli;
using NativeRanger.Cli.Data;

namespace NativeRanger.Tests.Cli;

/// <summary>MNIST's file format: good files, and bad ones that are named.</summary>
public sealed class IdxFilesTests
{
    private const string TrainImages = "train-images-idx3-ubyte";
    private const string TrainLabels = "train-labels-idx1-ubyte";
    private const string TestImages = "t10k-images-idx3-ubyte";
    private const string TestLabels = "t10k-labels-idx1-ubyte";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Images_and_labels_are_read_gzipped_or_not(bool gzipped)
    {
        using var folder = Written(gzipped);

        var data = IdxFiles.Load(folder.Path);

        Assert.Equal(3, data.Training.Count);
        Assert.Equal(4, data.Training.Features);
        Assert.Equal([2, 0, 1], data.Training.Labels);
        Assert.Equal(2, data.Test.Count);
        Assert.Equal(3, data.Classes);
        Assert.Null(data.SoftmaxOptimum);
        var image = new double[4];
        data.Training.CopyTo(1, image);
        Assert.Equal([0, 51 / 255d, 1, 0], image);
    }

    [Fact]
    public void Missing_files_are_all_named()
    {
        using var folder = Written(gzipped: false);
        File.Delete(folder.File(TrainLabels));
        File.Delete(folder.File(TestImages));

        var error = Assert.Throws<UserErrorException>(() => IdxFiles.Load(folder.Path));

        Assert.Contains(TrainLabels, error.Message, StringComparison.Ordinal);
        Assert.Contains(TestImages, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(TrainImages, error.Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, byte[], string> BadFiles() =>
        new()
        {
            { TrainImages, [], "is not an IDX file" },
            { TrainImages, Idx(0x801, [3], new byte[3]), "is not an IDX file" },
            { TrainImages, Idx(0x803, [3, 2, 2], new byte[11]), "3 × 2 × 2" },
            { TrainImages, Idx(0x803, [3, 2, 2], new byte[13]), "it holds 13" },
            { TrainImages, Idx(0x803, [-3, 2, 2], new byte[12]), "-3" },
            { TrainImages, Idx(0x803, [int.MaxValue, int.MaxValue, int.MaxValue], new byte[12]), "it holds 12" },
            { TrainLabels, Idx(0x801, [2], new byte[2]), "3 images" },
            { TestImages, Idx(0x803, [2, 1, 3], new byte[6]), "4 pixels, the test images 3" },
            { TestImages, Idx(0x803, [0, 2, 2], []), "0 images" },
        };

    [Theory]
    [MemberData(nameof(BadFiles))]
    public void A_bad_file_is_named_with_the_reason(string file, byte[] contents, string reason)
    {
        using var folder = Written(gzipped: false);
        File.WriteAllBytes(folder.File(file), contents);

        var error = Assert.Throws<UserErrorException>(() => IdxFiles.Load(folder.Path));

        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void A_folder_without_images_is_refused()
    {
        using var folder = Written(gzipped: false);
        File.WriteAllBytes(folder.File(TrainImages), Idx(0x803, [0, 2, 2], []));
        File.WriteAllBytes(folder.File(TrainLabels), Idx(0x801, [0], []));

        var error = Assert.Throws<UserErrorException>(() => IdxFiles.Load(folder.Path));

        Assert.Contains("has no images", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_gzip_file_is_named()
    {
        using var folder = Written(gzipped: true);
        File.WriteAllBytes(folder.File($"{TestLabels}.gz"), [1, 2, 3]);

        var error = Assert.Throws<UserErrorException>(() => IdxFiles.Load(folder.Path));

        Assert.Contains($"{TestLabels}.gz", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Train_learns_from_such_a_folder()
    {
        using var folder = Written(gzipped: true);
        using var output = new TemporaryFolder();

        var shell = Shell.Run(
            "train",
            "--data",
            folder.Path,
            "--optimizer",
            "adam",
            "--lr",
            "0.1",
            "--epochs",
            "50",
            "--output",
            output.Path
        );

        Assert.Equal(0, shell.ExitCode);
        Assert.Contains("100.0 %", shell.Output, StringComparison.Ordinal);
    }

    private static TemporaryFolder Written(bool gzipped)
    {
        var folder = new TemporaryFolder();
        Write(TrainImages, Idx(0x803, [3, 2, 2], [255, 0, 0, 0, 0, 51, 255, 0, 0, 0, 0, 255]));
        Write(TrainLabels, Idx(0x801, [3], [2, 0, 1]));
        Write(TestImages, Idx(0x803, [2, 2, 2], [255, 0, 0, 0, 0, 0, 0, 255]));
        Write(TestLabels, Idx(0x801, [2], [2, 1]));
        return folder;

        void Write(string name, byte[] contents)
        {
            if (!gzipped)
            {
                File.WriteAllBytes(folder.File(name), contents);
                return;
            }

            using var file = File.Create(folder.File($"{name}.gz"));
            using var gzip = new GZipStream(file, CompressionLevel.Fastest);
            gzip.Write(contents);
        }
    }

    private static byte[] Idx(int magic, int[] extents, byte[] body)
    {
        var header = new byte[4 * (extents.Length + 1)];
        BinaryPrimitives.WriteInt32BigEndian(header, magic);
        for (var i = 0; i < extents.Length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4 * (i + 1)), extents[i]);
        }

        return [.. header, .. body];
    }
}
