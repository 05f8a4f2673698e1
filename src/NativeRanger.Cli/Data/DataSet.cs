namespace NativeRanger.Cli.Data;

/// <summary>Labelled images, kept as bytes and turned into numbers batch by batch.</summary>
internal sealed class Examples
{
    private readonly byte[] pixels;
    private readonly double[] brightness;

    /// <summary>Images and their classes.</summary>
    /// <param name="pixels">The pixels, image by image.</param>
    /// <param name="labels">The class of each image, from 0.</param>
    /// <param name="brightest">The pixel that becomes 1.</param>
    public Examples(byte[] pixels, int[] labels, double brightest)
    {
        this.pixels = pixels;
        Labels = labels;
        Features = pixels.Length / labels.Length;
        brightness = [.. Enumerable.Range(0, byte.MaxValue + 1).Select(pixel => pixel / brightest)];
    }

    public IReadOnlyList<int> Labels { get; }

    /// <summary>The number of images.</summary>
    public int Count => Labels.Count;

    /// <summary>The pixels of one image.</summary>
    public int Features { get; }

    /// <summary>Stores the numbers of one image.</summary>
    public void CopyTo(int index, Span<double> target)
    {
        var image = pixels.AsSpan(index * Features, Features);
        for (var i = 0; i < image.Length; i++)
        {
            target[i] = brightness[image[i]];
        }
    }
}

/// <summary>What a model is trained and tested on.</summary>
/// <param name="Name">What it is called in titles.</param>
/// <param name="Classes">The number of classes.</param>
/// <param name="Training">The training examples.</param>
/// <param name="Test">The test examples.</param>
/// <param name="SoftmaxOptimum">The exact minimum f* of softmax regression on the training examples, where it is known.</param>
internal sealed record DataSet(string Name, int Classes, Examples Training, Examples Test, double? SoftmaxOptimum);
